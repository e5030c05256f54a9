//! Checks of events: that the link they happen to is there, and carries anything.

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{Admin, Carrier, EventTarget};

pub(super) fn targets(scenario: &Scenario, problems: &Problems) {
    for event in &scenario.events {
        match event.target.value {
            EventTarget::Connection(pair, plane) => {
                let pair = &scenario.pairs[pair.index()];
                if plane.of(pair.primary, pair.secondary).admin == Admin::Disabled {
                    let message = format!("the {plane} link of `{}` is disabled", pair.name.value);
                    let idle = Diagnostic::warning(event.target.at, message).label("nothing to happen to");
                    problems.report(idle.remedy("write `admin = \"enabled\"` with it, or take the event away"));
                }
            }
            EventTarget::ProviderLink(provider, _) => {
                let uses_core = |carrier: &Carrier| {
                    matches!(carrier, Carrier::Ethernet { .. } | Carrier::IpVpn { .. })
                        && carrier.provider() == Some(provider)
                };
                if !scenario.pairs.iter().any(|pair| uses_core(&pair.carrier)) {
                    let name = &scenario.providers[provider.index()].name;
                    let message = format!("no circuit goes through a network of provider `{}`", name.value);
                    let absent = Diagnostic::error(event.target.at, message).label("no such link");
                    problems.report(
                        absent
                            .also(name.at, "this provider")
                            .remedy("an exchange has no P routers: name a connection, like \"london.primary\""),
                    );
                }
            }
        }
    }
}
