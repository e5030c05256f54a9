//! `[[global_reach]]`: two circuits joined at the Microsoft edge.

use ipnet::IpNet;

use super::facts::{Facts, Owner};
use super::{Names, circuit_ref};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{CircuitId, GlobalReach};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::Span;

pub(super) fn global_reach(mut table: Table<'_>, names: &Names, facts: &mut Facts) -> Option<GlobalReach> {
    let circuits = table.required_list("circuits", "[\"london\", \"paris\"]", circuit_ref(names));
    let circuits = two(&table, &circuits, names);
    let subnet = table.required("subnet", "\"172.16.0.0/29\"", subnet(29, "subnet_v6"));
    let subnet_v6 = table.optional("subnet_v6", self::subnet(125, "subnet"));
    if let Some([a, b]) = circuits {
        let name = |circuit: Located<CircuitId>| names.circuits[circuit.index()].value.clone();
        let owner = Owner::GlobalReach(name(a), name(b));
        facts.prefixes.extend([subnet, subnet_v6].into_iter().flatten().map(|net| (owner.clone(), net)));
    }
    let delay = table.optional("delay", values::delay).map_or(DELAY, |delay| delay.value);
    let burst = table.optional("burst", values::span(LEAST_BURST, Span::from_s(1))).map_or(BURST, |burst| burst.value);
    let authorization = table.optional("authorization", values::text).map(|text| text.value);
    let (IpNet::V4(subnet), at) = (subnet?.value, table.at()) else { return None };
    let subnet_v6 = match subnet_v6.map(|net| net.value) {
        Some(IpNet::V6(net)) => Some(net),
        _ => None,
    };
    Some(GlobalReach { at, circuits: circuits?, subnet, subnet_v6, delay, burst, authorization })
}

/// Two different circuits.
fn two(table: &Table<'_>, circuits: &[Located<CircuitId>], names: &Names) -> Option<[Located<CircuitId>; 2]> {
    let written = table.peek("circuits").and_then(|value| value.items()).map_or(0, |items| items.len());
    match *circuits {
        // What is wrong with one of them was told.
        _ if written != circuits.len() => None,
        [a, b] if a.value != b.value => Some([a, b]),
        [a, b] => {
            let message = format!("circuit `{}` is joined with itself", names.circuits[a.index()].value);
            let twice = Diagnostic::error(b.at, message).label("and again here").also(a.at, "first here");
            table.report(twice.remedy("Global Reach joins two circuits: name the other one"));
            None
        }
        // That there is none was told.
        [] => None,
        [one] => {
            let wrong = Diagnostic::error(one.at, format!("{} names one circuit", table.title()));
            table.report(wrong.label("and the other?").remedy("name two circuits"));
            None
        }
        [.., third] => {
            let wrong = Diagnostic::error(third.at, format!("{} joins two circuits, not more", table.title()));
            let remedy = "write `[[global_reach]]` for each two of them: it is not transitive";
            table.report(wrong.label(format!("number {}", circuits.len())).remedy(remedy));
            None
        }
    }
}

/// A subnet of exactly this length, which tells its family.
fn subnet(len: u8, other: &'static str) -> impl Fn(Value<'_>) -> Result<IpNet, Fault> {
    move |value| {
        let net = values::prefix(value)?;
        let (is_v6, wants_v6) = (matches!(net, IpNet::V6(_)), len > 32);
        if is_v6 != wants_v6 {
            let family = if is_v6 { "IPv6" } else { "IPv4" };
            let message = format!("`{net}` is of the other address family");
            return Err(Fault::new(message, "wrong family", format!("{family} goes to `{other}`")));
        }
        if net.prefix_len() == len {
            return Ok(net);
        }
        let message = format!("`{}` is a /{}, and a /{len} is wanted for both planes", value.key, net.prefix_len());
        let example = if wants_v6 { "2001:db8:fe::/125" } else { "172.16.0.0/29" };
        Err(Fault::new(message, "not the right size", format!("write a /{len} like \"{example}\"")))
    }
}

/// Between two peering locations where nothing is said: 1,000 km of fibre. Not a Microsoft figure.
const DELAY: Span = Span::from_ms(5);
/// How much passes at once where nothing is said, as for circuits. Microsoft publishes no figure.
const BURST: Span = Span::from_ms(5);
/// What the least bandwidth that is sold brings in this time holds the largest frame: 50 Mb/s, 16 KiB.
const LEAST_BURST: Span = Span::from_ms(3);
