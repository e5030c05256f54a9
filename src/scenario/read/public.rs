//! `[circuit.NAME.microsoft]`, `[service.NAME]` and `internet` of sites and virtual networks: what has public addresses.

use ipnet::{IpNet, Ipv4Net};

use super::facts::{Facts, Owner};
use super::peering;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Community, InternetAccess, MicrosoftPeering, NatPools, Service, ServiceClass, is_public};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::{PortSpeed, Span};
use crate::wire::vlan::Vid;

/// A Microsoft peering as far as it could be read.
pub(super) struct Draft {
    peering: peering::Draft,
    nat: Option<NatPools>,
    advertised: Vec<Located<IpNet>>,
    route_filter: Vec<Located<Community>>,
}

impl Draft {
    pub(super) fn c_tag(&self) -> Option<Located<Vid>> {
        self.peering.c_tag
    }

    pub(super) fn own_c_tag(&self) -> Option<Located<Vid>> {
        self.peering.own_c_tag()
    }

    /// The peering, if nothing that it needs is missing.
    pub(super) fn finish(self) -> Option<MicrosoftPeering> {
        let Draft { peering, nat, advertised, route_filter } = self;
        Some(MicrosoftPeering { peering: peering.finish()?, nat: nat?, advertised, route_filter })
    }
}

pub(super) fn microsoft(circuit: &Located<String>, table: &mut Table<'_>, facts: &mut Facts) -> Option<Draft> {
    let title = format!("[circuit.{}.microsoft]", circuit.value);
    let mut table = table.table("microsoft", title)?;
    let first = facts.prefixes.len();
    let peering = peering::keys(circuit, &mut table, ("40", "\"203.0.113.0/29\""), facts);
    for (_, net) in &facts.prefixes[first..] {
        refuse_private(&table, net, "the subnets of Microsoft peering are public addresses that you own");
    }
    let nat = nat_pools(circuit, &mut table, facts);
    let advertised =
        table.list("prefixes", |value| public_prefix(value, "Microsoft peering takes public prefixes only"));
    if let (Some(NatPools::Common(pool)), true) = (&nat, advertised.iter().any(|net| matches!(net.value, IpNet::V4(_))))
    {
        let both =
            Diagnostic::error(table.at(), "`nat` translates all IPv4 sources, and `prefixes` has sources of its own");
        let both = both.label("two sources").also(pool.at, "the pool");
        table.report(both.remedy("take one of the two away; IPv6 prefixes may stay"));
    }
    let route_filter = table.list("route_filter", community);
    Some(Draft { peering, nat, advertised, route_filter })
}

/// One pool before the split, or two after it.
fn nat_pools(circuit: &Located<String>, table: &mut Table<'_>, facts: &mut Facts) -> Option<NatPools> {
    let Some(at) = table.key_at("nat") else {
        table.value("nat");
        return Some(NatPools::None);
    };
    let pools = table.one_or_many("nat", pool)?;
    facts.prefixes.extend(pools.iter().map(|net| (Owner::Pool(circuit.value.clone()), net.map(IpNet::V4))));
    match pools[..] {
        [common] => Some(NatPools::Common(common)),
        [primary, secondary] => Some(NatPools::PerLink([primary, secondary])),
        _ => {
            let message = format!("`nat` has {} pools, and there are two links", pools.len());
            let remedy = "write one pool, common to both links, or two: one for each link";
            table.report_fault(at, Fault::new(message, "one or two", remedy));
            None
        }
    }
}

fn pool(value: Value<'_>) -> Result<Ipv4Net, Fault> {
    match public_prefix(value, "a pool has public addresses: those that the other side sees")? {
        IpNet::V4(net) => Ok(net),
        IpNet::V6(net) => {
            let message = format!("`{net}` is IPv6, which is not translated");
            Err(Fault::new(message, "wrong family", "write IPv4; public IPv6 prefixes go to `prefixes`"))
        }
    }
}

fn public_prefix(value: Value<'_>, rule: &str) -> Result<IpNet, Fault> {
    let net = values::prefix(value)?;
    if is_public(&net) {
        return Ok(net);
    }
    Err(Fault::new(
        format!("`{net}` is not public: {rule}"),
        "not public",
        "write a public prefix like \"203.0.113.64/28\"",
    ))
}

fn refuse_private(table: &Table<'_>, net: &Located<IpNet>, rule: &str) {
    if !is_public(&net.value) {
        let message = format!("`{}` is not public: {rule}", net.value);
        table.report_fault(net.at, Fault::new(message, "not public", "write public subnets like \"203.0.113.0/29\""));
    }
}

/// `12076:51004`: the only autonomous system whose communities count (EXPRESSROUTE: routing).
fn community(value: Value<'_>) -> Result<Community, Fault> {
    let text = value.text()?;
    let number = text.strip_prefix("12076:").and_then(|number| number.parse().ok());
    number.map(Community).filter(|community| community.to_string() == text).ok_or_else(|| {
        let message = format!("`{text}` is no community of Microsoft's");
        Fault::new(message, "not a community", "write it like \"12076:51004\", as Microsoft tags its prefixes")
    })
}

pub(super) fn service(name: Located<String>, mut table: Table<'_>, facts: &mut Facts) -> Option<Service> {
    let public = |value: Value<'_>| public_prefix(value, "a service has public addresses");
    let prefixes = table.required_list("prefixes", "[\"198.51.100.0/24\"]", public);
    facts.prefixes.extend(prefixes.iter().map(|net| (Owner::Service(name.value.clone()), *net)));
    let class = table.required("class", "\"azure\"", values::choice(ServiceClass::WORDS));
    let community = table.optional("community", community);
    let delay = table.optional("delay", values::delay).map_or(SERVICE_DELAY, |delay| delay.value);
    if let (Some(class), Some(community)) = (&class, &community)
        && !class.value.is_peered()
    {
        let message =
            format!("a service of the class \"{}\" has no community: no peering carries it", class.value.word());
        let wrong = Diagnostic::error(community.at, message).label("not with this class").also(class.at, "the class");
        table.report(wrong.remedy("take `community` away: the internet is the way there, circuit or not"));
    }
    Some(Service { name, prefixes, class: class?.value, community, delay })
}

/// `internet`: the way of a site or a virtual network to the internet. `port` is for sites: in Azure nothing limits there.
pub(super) fn internet(
    owner: &Located<String>,
    table: &mut Table<'_>,
    port: Option<PortSpeed>,
    facts: &mut Facts,
) -> Option<InternetAccess> {
    let title = format!("`internet` of {}", table.title());
    let mut table = table.table("internet", title)?;
    let nat = table.optional("nat", pool);
    facts.prefixes.extend(nat.iter().map(|net| (Owner::Pool(owner.value.clone()), net.map(IpNet::V4))));
    let written = port.and_then(|_| table.optional("port", values::port_speed(&PortSpeed::ALL)));
    Some(InternetAccess {
        at: table.at(),
        nat,
        port: written.map(|port| port.value).or(port).unwrap_or(PortSpeed::G400),
        delay: table.optional("delay", values::delay).map_or(INTERNET_DELAY, |delay| delay.value),
        loss_ppb: table.optional("loss", values::share_ppb).map_or(0, |loss| loss.value),
    })
}

/// Delay between a service's hosts and the network that they are in, where nothing is said.
const SERVICE_DELAY: Span = Span::from_us(100);

/// Delay of an internet access, where nothing is said.
const INTERNET_DELAY: Span = Span::from_ms(5);

/// Speed of a site's internet access, where nothing is said.
pub(super) const INTERNET_PORT: PortSpeed = PortSpeed::G10;
