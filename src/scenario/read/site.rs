//! `[site.NAME]`: an on-premises network.

use super::facts::{Facts, Owner};
use super::public;
use crate::scenario::model::{Lan, Site};
use crate::scenario::reader::Table;
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::{PortSpeed, Span};

pub(super) fn site(name: Located<String>, mut table: Table<'_>, facts: &mut Facts) -> Option<Site> {
    let asn = table.required("asn", "65010", values::asn);
    let prefixes = prefixes(&mut table, "[\"10.10.0.0/16\"]", &Owner::Site(name.value.clone()), facts);
    let edges = table.optional("edges", values::small(1..=2)).map_or(1, |edges| edges.value);
    let lan_title = format!("`lan` of {}", table.title());
    let lan = table.table("lan", lan_title).map_or(LAN, lan);
    let internet = public::internet(&name, &mut table, Some(public::INTERNET_PORT), facts);
    Some(Site { name, asn: asn?, prefixes, edges, lan, internet })
}

/// The list `prefixes`, which every network has, and its facts.
pub(super) fn prefixes(
    table: &mut Table<'_>,
    example: &str,
    owner: &Owner,
    facts: &mut Facts,
) -> Vec<Located<ipnet::IpNet>> {
    let prefixes = table.required_list("prefixes", example, values::prefix);
    facts.prefixes.extend(prefixes.iter().map(|prefix| (owner.clone(), *prefix)));
    prefixes
}

fn lan(mut table: Table<'_>) -> Lan {
    let port = table.optional("port", values::port_speed(&PortSpeed::ALL)).map_or(LAN.port, |port| port.value);
    let delay = table.optional("delay", values::delay).map_or(LAN.delay, |delay| delay.value);
    Lan { port, delay }
}

/// The local network where none is given: 1 km of fibre at 100G.
const LAN: Lan = Lan { port: PortSpeed::G100, delay: Span::from_us(5) };
