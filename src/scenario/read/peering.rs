//! `[circuit.NAME.private]`, and what every peering has: tag, subnets and sessions.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::facts::{Facts, Owner};
use super::session;
use crate::scenario::model::{Bfd, Bgp, LinkAddresses, Peering, PeeringAddresses};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::wire::vlan::Vid;

/// A peering as far as it could be read.
pub(super) struct Draft {
    pub(super) c_tag: Option<Located<Vid>>,
    customer_c_tag: Option<Located<Vid>>,
    at: Extent,
    v4: Option<PeeringAddresses<Ipv4Addr>>,
    v6: Option<PeeringAddresses<Ipv6Addr>>,
    bfd: Option<Bfd>,
    bgp: Bgp,
}

impl Draft {
    /// What the router at the customer's end is set to.
    pub(super) fn own_c_tag(&self) -> Option<Located<Vid>> {
        self.customer_c_tag.or(self.c_tag)
    }

    /// The peering, if nothing that it needs is missing.
    pub(super) fn finish(self) -> Option<Peering> {
        let Draft { at, c_tag, customer_c_tag, v4, v6, bfd, bgp } = self;
        Some(Peering { at, c_tag: c_tag?, customer_c_tag, v4: v4?, v6, bfd, bgp })
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
    let customer_c_tag = table.optional("customer_c_tag", values::vid);
    if let (Some(own), Some(right)) = (customer_c_tag, c_tag)
        && own.value == right.value
    {
        let message = "`customer_c_tag` is where the customer's router differs, and this is the `c_tag`";
        table.report_fault(own.at, Fault::new(message, "the same", "take it away, or write another VLAN"));
    }
    if !table.has("subnets") {
        table.report_missing("subnets", examples.1);
    }
    let owner = Owner::Peering(circuit.value.clone());
    let v4 = subnets(table, "subnets", Family::V4, &owner, facts);
    let v6 = subnets(table, "subnets_v6", Family::V6, &owner, facts);
    let bfd = session::bfd(table);
    let bgp = session::bgp(table, bfd.is_some());
    Draft {
        c_tag,
        customer_c_tag,
        at: table.at(),
        v4: v4.and_then(addresses_v4),
        v6: v6.and_then(addresses_v6),
        bfd,
        bgp,
    }
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
