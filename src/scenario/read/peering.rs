//! `[circuit.NAME.private]`, and what every peering has: tag, subnets and sessions.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::facts::{Facts, Owner};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Bfd, Bgp, LinkAddresses, Peering, PeeringAddresses};
use crate::scenario::reader::{Fault, Switch, Table, Value};
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::time::{PS_PER_S, Span};
use crate::wire::vlan::Vid;

/// A peering as far as it could be read.
pub(super) struct Draft {
    pub(super) c_tag: Option<Located<Vid>>,
    at: Extent,
    v4: Option<PeeringAddresses<Ipv4Addr>>,
    v6: Option<PeeringAddresses<Ipv6Addr>>,
    bfd: Option<Bfd>,
    bgp: Bgp,
}

impl Draft {
    /// The peering, if nothing that it needs is missing.
    pub(super) fn finish(self) -> Option<Peering> {
        Some(Peering { at: self.at, c_tag: self.c_tag?, v4: self.v4?, v6: self.v6, bfd: self.bfd, bgp: self.bgp })
    }
}

pub(super) fn private(circuit: &Located<String>, table: &mut Table<'_>, facts: &mut Facts) -> Option<Draft> {
    let title = format!("[circuit.{}.private]", circuit.value);
    let mut table = table.table("private", title)?;
    Some(keys(circuit, &mut table, ("20", "\"192.168.100.128/29\""), facts))
}

/// What every peering has; `examples` of a C-tag and of subnets.
pub(super) fn keys(
    circuit: &Located<String>,
    table: &mut Table<'_>,
    examples: (&str, &str),
    facts: &mut Facts,
) -> Draft {
    let c_tag = table.required("c_tag", examples.0, values::vid);
    if !table.has("subnets") {
        table.report_missing("subnets", examples.1);
    }
    let owner = Owner::Peering(circuit.value.clone());
    let v4 = subnets(table, "subnets", Family::V4, &owner, facts);
    let v6 = subnets(table, "subnets_v6", Family::V6, &owner, facts);
    let bfd = bfd(table);
    let bgp = bgp(table);
    Draft { c_tag, at: table.at(), v4: v4.and_then(addresses_v4), v6: v6.and_then(addresses_v6), bfd, bgp }
}

/// The two families, each with the length of one subnet for both links and of one for each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    const fn lengths(self) -> (u8, u8) {
        match self {
            Family::V4 => (29, 30),
            Family::V6 => (125, 126),
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Family::V4 => {
                "write one /29 like \"192.168.100.128/29\", or two /30 like [\"192.168.100.128/30\", \"192.168.100.132/30\"]"
            }
            Family::V6 => {
                "write one /125 like \"2001:db8::/125\", or two /126 like [\"2001:db8::/126\", \"2001:db8::4/126\"]"
            }
        }
    }
}

/// One subnet per link: the halves of one, the first half being the primary link's, or the two that are given
/// (EXPRESSROUTE: routing requirements). In each the customer has the first usable address, Microsoft the second.
fn subnets(
    table: &mut Table<'_>,
    key: &'static str,
    family: Family,
    owner: &Owner,
    facts: &mut Facts,
) -> Option<[Located<IpNet>; 2]> {
    let at = table.key_at(key);
    let nets = table.one_or_many(key, |value| subnet(value, family))?;
    facts.prefixes.extend(nets.iter().map(|net| (owner.clone(), *net)));
    let (whole, half) = family.lengths();
    let fault = |message: String| Fault::new(message, "not the right size", family.rule());
    match nets[..] {
        [one] if one.prefix_len() == whole => {
            let mut halves = one.subnets(half).ok()?;
            let (first, second) = (halves.next()?, halves.next()?);
            Some([Located::new(first, one.at), Located::new(second, one.at)])
        }
        // That the two are not the same is seen where all prefixes are compared.
        [first, second] if first.prefix_len() == half && second.prefix_len() == half => Some([first, second]),
        [one] => {
            let message = format!("`{key}` is one /{}, and one /{whole} or two /{half} are wanted", one.prefix_len());
            table.report_fault(one.at, fault(message));
            None
        }
        [ref two @ .., last] if two.len() == 1 => {
            let wrong = if two[0].prefix_len() == half { last } else { two[0] };
            let message = format!("of two subnets each is a /{half}, and this is a /{}", wrong.prefix_len());
            table.report_fault(wrong.at, fault(message));
            None
        }
        _ => {
            let message = format!("`{key}` has {} subnets, and there are two links", nets.len());
            table.report_fault(nets.first().map(|net| net.at).or(at)?, fault(message));
            None
        }
    }
}

fn subnet(value: Value<'_>, family: Family) -> Result<IpNet, Fault> {
    let net = values::prefix(value)?;
    if matches!((net, family), (IpNet::V4(_), Family::V4) | (IpNet::V6(_), Family::V6)) {
        return Ok(net);
    }
    let remedy = if family == Family::V4 { "IPv6 goes to `subnets_v6`" } else { "IPv4 goes to `subnets`" };
    Err(Fault::new(format!("`{net}` is of the other address family"), "wrong family", remedy))
}

fn addresses_v4(nets: [Located<IpNet>; 2]) -> Option<PeeringAddresses<Ipv4Addr>> {
    let link = |net: IpNet| match net {
        IpNet::V4(net) => Some(link_v4(net)),
        IpNet::V6(_) => None,
    };
    Some(PeeringAddresses { primary: link(nets[0].value)?, secondary: link(nets[1].value)? })
}

fn addresses_v6(nets: [Located<IpNet>; 2]) -> Option<PeeringAddresses<Ipv6Addr>> {
    let link = |net: IpNet| match net {
        IpNet::V6(net) => Some(link_v6(net)),
        IpNet::V4(_) => None,
    };
    Some(PeeringAddresses { primary: link(nets[0].value)?, secondary: link(nets[1].value)? })
}

/// The network address of a /30 is a multiple of 4, so that neither sum overflows and the parities are as Microsoft's.
fn link_v4(net: Ipv4Net) -> LinkAddresses<Ipv4Addr> {
    let address = |n: u32| Ipv4Addr::from_bits(net.network().to_bits() | n);
    LinkAddresses { customer: address(1), microsoft: address(2), prefix_len: net.prefix_len() }
}

fn link_v6(net: Ipv6Net) -> LinkAddresses<Ipv6Addr> {
    let address = |n: u128| Ipv6Addr::from_bits(net.network().to_bits() | n);
    LinkAddresses { customer: address(1), microsoft: address(2), prefix_len: net.prefix_len() }
}

fn bfd(table: &mut Table<'_>) -> Option<Bfd> {
    let title = format!("`bfd` of {}", table.title());
    let Switch::On(mut bfd) = table.table_or_off("bfd", title) else { return None };
    let interval = bfd.optional("interval", values::span(Span::from_ms(10), Span::from_s(60)));
    let multiplier = bfd.optional("multiplier", values::small(1..=255)).map_or(3, |multiplier| multiplier.value);
    if let Some(short) = interval.filter(|interval| interval.value < MICROSOFT_BFD) {
        let warning =
            Diagnostic::warning(short.at, format!("Microsoft's edge sends BFD every {MICROSOFT_BFD}, never faster"));
        let remedy = format!("the slower end decides: detection takes {multiplier} x {MICROSOFT_BFD}; write \"300ms\"");
        bfd.report(warning.label("has no effect").remedy(remedy));
    }
    Some(Bfd { interval: interval.map_or(MICROSOFT_BFD, |interval| interval.value), multiplier })
}

fn bgp(table: &mut Table<'_>) -> Bgp {
    let title = format!("`bgp` of {}", table.title());
    let Some(mut bgp) = table.table("bgp", title) else { return MICROSOFT_BGP };
    let keepalive = bgp.optional("keepalive", whole_seconds(3));
    let hold = bgp.optional("hold", whole_seconds(10));
    for (late, own) in [(keepalive, MICROSOFT_BGP.keepalive), (hold, MICROSOFT_BGP.hold)] {
        if let Some(late) = late.filter(|late| late.value > own) {
            let message = format!("Microsoft's edge has {own} here, and a session takes the lower");
            let warning = Diagnostic::warning(late.at, message).label("has no effect");
            bgp.report(warning.remedy(format!("write \"{}s\" or less", own.as_ps() / PS_PER_S)));
        }
    }
    let hold_span = hold.map_or(MICROSOFT_BGP.hold, |hold| hold.value);
    let third = Span::from_ps(hold_span.as_ps() / 3);
    if let Some(late) = keepalive.filter(|keepalive| keepalive.value >= hold_span) {
        let message = format!("`keepalive` is {}, and the session is down after {hold_span}", late.value);
        let wrong = Diagnostic::error(late.at, message).label("not before the hold time");
        bgp.report(wrong.remedy(format!("write a third of the hold time: \"{}s\"", third.as_ps() / PS_PER_S)));
    }
    Bgp {
        keepalive: keepalive.map_or(third, |keepalive| keepalive.value).min(MICROSOFT_BGP.keepalive),
        hold: hold_span.min(MICROSOFT_BGP.hold),
    }
}

/// A BGP timer: whole seconds, from the least that Microsoft's edge takes to the most that the message holds.
fn whole_seconds(least_s: u64) -> impl Fn(Value<'_>) -> Result<Span, Fault> {
    move |value| {
        let span = values::span(Span::from_s(least_s), Span::from_s(65_535))(value)?;
        match span.as_ps() % PS_PER_S {
            0 => Ok(span),
            _ => {
                let message = format!("`{}` is {span}: BGP counts whole seconds (RFC 4271 §4.2)", value.key);
                Err(Fault::new(message, "not whole", "write whole seconds, like \"60s\""))
            }
        }
    }
}

/// What Microsoft's edge uses: the slower end of a session decides.
const MICROSOFT_BFD: Span = Span::from_ms(300);

/// Timers of Microsoft's edge: the lower of the two ends holds.
const MICROSOFT_BGP: Bgp = Bgp { keepalive: Span::from_s(60), hold: Span::from_s(180) };

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Microsoft's routing requirements: 192.168.100.128/29.
    #[test]
    fn the_customer_is_odd_and_microsoft_even() {
        let halves: Vec<Ipv4Net> = "192.168.100.128/29".parse::<Ipv4Net>().unwrap().subnets(30).unwrap().collect();
        let ends = |net| (link_v4(net).customer.to_string(), link_v4(net).microsoft.to_string());
        assert_eq!(ends(halves[0]), ("192.168.100.129".to_owned(), "192.168.100.130".to_owned()));
        assert_eq!(ends(halves[1]), ("192.168.100.133".to_owned(), "192.168.100.134".to_owned()));
        let six = link_v6("2001:db8::4/126".parse().unwrap());
        assert_eq!((six.customer.to_string(), six.microsoft.to_string()), ("2001:db8::5".into(), "2001:db8::6".into()));
    }
}
