//! Which addresses a stream has at its two ends: their family, and a prefix of each end.

use super::Ends;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{InternetAccess, ServiceId, StreamEnd, is_public};
use crate::scenario::nearest::listed;
use crate::scenario::reader::Table;
use crate::scenario::source::Located;
use crate::scenario::values;
use ipnet::{IpNet, Ipv4Net};
use std::borrow::Cow;

/// One end of a stream and what is said of its addresses.
struct Side<'s> {
    key: &'static str,
    title: String,
    prefixes: Cow<'s, [Located<IpNet>]>,
    said: Option<Located<IpNet>>,
}

/// The prefixes that a stream's addresses are taken from.
pub(super) struct Nets {
    pub(super) from: IpNet,
    pub(super) to: IpNet,
    /// Whether those of `to` stand for others inside.
    pub(super) is_translated: bool,
}

/// The prefixes that the stream's addresses are taken from; `None` where something is wrong, which is reported then, or where
/// an end is not known.
pub(super) fn nets(
    table: &mut Table<'_>,
    both: Option<(&Located<StreamEnd>, &Located<StreamEnd>)>,
    ends: &Ends<'_>,
) -> Option<Nets> {
    let family = table.optional("family", values::choice(&[("ipv4", true), ("ipv6", false)]));
    let said = ["prefix_from", "prefix_to"].map(|key| table.optional(key, values::prefix));
    let wrong = ["family", "prefix_from", "prefix_to"].iter().filter(|key| table.has(key)).count();
    let read = usize::from(family.is_some()) + said.iter().flatten().count();
    let (from, to) = both?;
    if from.value == to.value {
        let same = Diagnostic::error(to.at, format!("the stream goes from `{0}` to `{0}`", ends.name(to.value)));
        let same = same.label("and to here").also(from.at, "from here");
        table.report(same.remedy("send it to another site or virtual network: nothing of it would leave its own"));
        return None;
    }
    if let (StreamEnd::Service(_), StreamEnd::Service(_)) = (from.value, to.value) {
        let both = Diagnostic::error(to.at, "the stream goes from one public service to another");
        let both = both.label("neither is yours").also(from.at, "from here");
        table.report(both.remedy("let one end be a site or a virtual network"));
        return None;
    }
    let [said_from, said_to] = said;
    let mut sides = [side("prefix_from", from.value, said_from, ends)?, side("prefix_to", to.value, said_to, ends)?];
    let mut is_translated = false;
    if let StreamEnd::Service(service) = from.value {
        let public = ends.public(to.value, service)?;
        is_translated = public.is_translated;
        sides[1].title = format!("the public addresses of {}", sides[1].title);
        sides[1].prefixes = Cow::Owned(public.prefixes);
        if sides[1].prefixes.is_empty() {
            let message =
                format!("service `{}` knows no public address of `{}`", ends.name(from.value), ends.name(to.value));
            let none = Diagnostic::error(to.at, message).label("not to be reached from there");
            let remedy =
                "write `nat` with its Microsoft peering, whose `route_filter` has the service, or with its `internet`";
            table.report(none.remedy(remedy));
            return None;
        }
    }
    // What is wrong is reported by now.
    if wrong > read || sides.iter().any(|side| is_outside(table, side)) {
        return None;
    }
    let is_v4 = choose(table, &sides, family)?;
    let [from, to] = sides.map(|side| net(table, &side, is_v4));
    Some(Nets { from: from?, to: to?, is_translated })
}

/// The public addresses that a service reaches an end by.
pub(super) struct Public {
    prefixes: Vec<Located<IpNet>>,
    /// Whether they stand for others inside.
    is_translated: bool,
}

impl Ends<'_> {
    /// Those of Microsoft peerings that lead to the service, else those of the internet; `None` where something could not
    /// be read.
    fn public(&self, end: StreamEnd, service: ServiceId) -> Option<Public> {
        let community = self.services[service.index()].as_ref()?.community.map(|community| community.value);
        let pool = |net: Located<Ipv4Net>| net.map(IpNet::V4);
        let (access, own) = match end {
            StreamEnd::Service(_) => return None,
            StreamEnd::Vnet(vnet) => (self.vnets[vnet.index()].as_ref()?.internet, Vec::new()),
            StreamEnd::Site(id) => {
                let site = self.sites[id.index()].as_ref()?;
                for circuit in self.circuits.iter().flatten() {
                    let serves = self.pairs.get(circuit.pair.index())?.as_ref()?.serves(id);
                    let Some(microsoft) = circuit.microsoft.as_ref().filter(|_| serves) else { continue };
                    if microsoft.route_filter.iter().any(|known| Some(known.value) == community) {
                        let pools: Vec<_> = microsoft.nat.all().into_iter().map(pool).collect();
                        let is_translated = !pools.is_empty();
                        let prefixes = pools.into_iter().chain(microsoft.advertised.iter().copied()).collect();
                        return Some(Public { prefixes, is_translated });
                    }
                }
                let own = site.prefixes.iter().copied().filter(|net| is_public(&net.value)).collect();
                (site.internet, own)
            }
        };
        Some(match access {
            Some(InternetAccess { nat: Some(nat), .. }) => Public { prefixes: vec![pool(nat)], is_translated: true },
            Some(_) => Public { prefixes: own, is_translated: false },
            None => Public { prefixes: Vec::new(), is_translated: false },
        })
    }
}

fn side<'s>(key: &'static str, end: StreamEnd, said: Option<Located<IpNet>>, ends: &'s Ends<'_>) -> Option<Side<'s>> {
    let name = ends.name(end);
    let (title, prefixes) = match end {
        StreamEnd::Site(site) => (format!("site `{name}`"), &ends.sites[site.index()].as_ref()?.prefixes),
        StreamEnd::Vnet(vnet) => (format!("virtual network `{name}`"), &ends.vnets[vnet.index()].as_ref()?.prefixes),
        StreamEnd::Service(service) => {
            (format!("service `{name}`"), &ends.services[service.index()].as_ref()?.prefixes)
        }
    };
    Some(Side { key, title, prefixes: Cow::Borrowed(prefixes), said })
}

/// Reports a prefix that is not within one of its end's.
fn is_outside(table: &Table<'_>, side: &Side<'_>) -> bool {
    let Some(said) = side.said.filter(|said| !side.prefixes.iter().any(|prefix| prefix.value.contains(&said.value)))
    else {
        return false;
    };
    let texts: Vec<String> = side.prefixes.iter().map(|prefix| prefix.to_string()).collect();
    let outside = Diagnostic::error(said.at, format!("{} lies in no prefix of {}", said.value, side.title));
    let remedy = format!("write one within {}", listed(texts.iter().map(String::as_str)));
    table.report(outside.label("not there").remedy(remedy));
    true
}

/// Whether the addresses are of IPv4: what is said, else IPv4 where both ends have it.
fn choose(table: &Table<'_>, sides: &[Side<'_>; 2], family: Option<Located<bool>>) -> Option<bool> {
    let has = |side: &Side<'_>, v4: bool| side.prefixes.iter().any(|prefix| is_v4(prefix) == v4);
    let said = sides.iter().filter_map(|side| side.said).map(|net| net.map(|net| is_v4(&net)));
    let said: Vec<Located<bool>> = family.into_iter().chain(said).collect();
    if let [first, rest @ ..] = &said[..] {
        if let Some(other) = rest.iter().find(|other| other.value != first.value) {
            let two =
                Diagnostic::error(other.at, "a stream is of IPv4 or of IPv6, not of both").label(name(other.value));
            table.report(two.also(first.at, name(first.value)).remedy("make two streams of it, or write one family"));
            return None;
        }
        if let Some(side) = sides.iter().find(|side| !has(side, first.value)) {
            let message = format!("{} has no prefix of {}", side.title, name(first.value));
            let none = Diagnostic::error(first.at, message).label("asked for here");
            table
                .report(none.remedy(format!("add one to its `prefixes`, or write a stream of {}", name(!first.value))));
            return None;
        }
        return Some(first.value);
    }
    let common = [true, false].into_iter().find(|&v4| sides.iter().all(|side| has(side, v4)));
    if common.is_none() {
        let message = format!("{} and {} have no address family in common", sides[0].title, sides[1].title);
        let none = Diagnostic::error(table.at(), message).label("between these two");
        table.report(none.remedy("add a prefix of IPv4 or of IPv6 to one of them"));
    }
    common
}

/// The prefix that an end's addresses are taken from.
fn net(table: &Table<'_>, side: &Side<'_>, v4: bool) -> Option<IpNet> {
    let net = side.said.or_else(|| side.prefixes.iter().find(|prefix| is_v4(prefix) == v4).copied())?;
    if net.prefix_len() == 0 {
        let (key, example) = (side.key, if v4 { "192.0.2.0/24" } else { "2001:db8::/64" });
        let all = Diagnostic::error(
            table.at(),
            format!("{} of {} is a default route, and no range of hosts", net.value, side.title),
        );
        let all = all.label("goes to or from all addresses").also(net.at, "written here");
        table.report(all.remedy(format!("say which hosts are meant: `{key} = \"{example}\"`")));
        return None;
    }
    Some(net.value)
}

fn is_v4(net: &IpNet) -> bool {
    matches!(net, IpNet::V4(_))
}

const fn name(v4: bool) -> &'static str {
    if v4 { "IPv4" } else { "IPv6" }
}
