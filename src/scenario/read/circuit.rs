//! `[circuit.NAME]`: a circuit, and the port pair that it is written with or shares.

use super::facts::{CircuitFacts, Facts, PairFacts};
use super::{Names, peering, site_ref};
use crate::port::PortSpec;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Admin, Circuit, CircuitId, Encapsulation, PairId, PairLink, PortPair, RateLimit};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::{PortSpeed, Span};

type Read<T> = Vec<Option<T>>;

/// All circuits and the port pairs beneath them. A circuit without `shares` brings a pair of its own.
pub(super) fn circuits(
    tables: Vec<(Located<String>, Table<'_>)>,
    names: &Names,
    facts: &mut Facts,
) -> (Read<Circuit>, Read<PortPair>) {
    let mut owned = 0;
    let own_pair = |(_, table): &(Located<String>, Table<'_>)| {
        (!table.has("shares")).then(|| {
            owned += 1;
            PairId(owned - 1)
        })
    };
    let own_pairs: Vec<Option<PairId>> = tables.iter().map(own_pair).collect();
    let mut pairs = Vec::new();
    let mut circuits = Vec::new();
    for (place, (name, mut table)) in tables.into_iter().enumerate() {
        read_model(&mut table);
        let pair = match own_pairs[place] {
            Some(pair) => {
                pairs.push(port_pair(name.clone(), &mut table, names, facts));
                // `shares` is a key here too, for whoever misspells it.
                table.value("shares");
                Some(pair)
            }
            None => shared_pair(CircuitId(place), &mut table, names, &own_pairs),
        };
        circuits.push(circuit(name, pair, table, facts));
    }
    (circuits, pairs)
}

fn read_model(table: &mut Table<'_>) {
    table.required("model", "\"direct\"", |value: Value<'_>| {
        let word = values::choice(MODELS)(value)?;
        match word {
            Model::Direct => Ok(()),
            Model::Later(name) => {
                let message = format!("the model \"{name}\" is not emulated yet");
                Err(Fault::new(message, "not yet", "write `model = \"direct\"`"))
            }
        }
    });
}

/// What is written of a port pair in the table of the circuit that brings it.
fn port_pair(name: Located<String>, table: &mut Table<'_>, names: &Names, facts: &mut Facts) -> Option<PortPair> {
    let site = table.required("site", "\"hq\"", site_ref(names));
    let location = table.optional("location", values::text).map(|location| location.value);
    let port = table.required("port", "\"100G\"", values::port_speed(DIRECT_PORTS));
    let encapsulation = encapsulation(table);
    facts.pairs.push(PairFacts { port, encapsulation });
    let delay = table.optional("delay", values::delay).unwrap_or(Located::new(DELAY, name.at));
    let loss_ppb = table.optional("loss", values::loss_ppb).map_or(0, |loss| loss.value);
    let buffer = table.optional("buffer", values::octets(LEAST_BUFFER..=MOST_BUFFER)).map(|buffer| buffer.value);
    let queues = table.optional("queues", values::small(1..=8)).map_or(QUEUES, |queues| queues.value);
    let link = PairLink { admin: Admin::Enabled, delay, loss_ppb };
    let primary = pair_link(table, "primary", link);
    let secondary = pair_link(table, "secondary", link);
    let port = port?.value;
    Some(PortPair {
        site: site?,
        location: location.unwrap_or_else(|| name.value.clone()),
        name,
        port,
        encapsulation: encapsulation?,
        buffer_octets: buffer.unwrap_or(PortSpec::default_buffer(port)),
        queues,
        primary,
        secondary,
    })
}

fn encapsulation(table: &mut Table<'_>) -> Option<Encapsulation> {
    let word = match table.has("encapsulation") {
        true => table.optional("encapsulation", values::choice(&[("qinq", true), ("dot1q", false)]))?.value,
        false => {
            table.value("encapsulation");
            true
        }
    };
    let tpid_key = table.key_at("tpid");
    let tpid = table.optional("tpid", values::tpid(&[0x8100, 0x88a8]));
    match (word, tpid) {
        (true, tpid) => Some(Encapsulation::Qinq { outer_tpid: tpid.map_or(0x8100, |tpid| tpid.value) }),
        (false, Some(tpid)) if tpid.value != 0x8100 => {
            let wrong = Diagnostic::error(tpid.at, "a Dot1Q port has one tag, and its TPID is 0x8100");
            let wrong = wrong.also(tpid_key.unwrap_or(tpid.at), "only QinQ has a choice");
            table.report(wrong.remedy("take `tpid` away, or write `encapsulation = \"qinq\"`"));
            None
        }
        (false, _) => Some(Encapsulation::Dot1q),
    }
}

/// `primary` or `secondary`: what differs on one link.
fn pair_link(table: &mut Table<'_>, key: &'static str, both: PairLink) -> PairLink {
    let title = format!("`{key}` of {}", table.title());
    let Some(mut link) = table.table(key, title) else { return both };
    PairLink {
        admin: link.optional("admin", values::choice(ADMIN)).map_or(both.admin, |admin| admin.value),
        delay: link.optional("delay", values::delay).unwrap_or(both.delay),
        loss_ppb: link.optional("loss", values::loss_ppb).map_or(both.loss_ppb, |loss| loss.value),
    }
}

/// The pair of the circuit that `shares` names; what the pair fixes cannot be written a second time.
fn shared_pair(this: CircuitId, table: &mut Table<'_>, names: &Names, own_pairs: &[Option<PairId>]) -> Option<PairId> {
    let pair = table.optional("shares", |value: Value<'_>| {
        let place = values::reference("circuit", &names.circuits)(value)?;
        let remedy = "name the circuit that the port pair is written with";
        match own_pairs.get(place).copied().flatten() {
            _ if place == this.index() => Err(Fault::new("a circuit cannot share its own port pair", "itself", remedy)),
            Some(pair) => Ok(pair),
            None => {
                let message = format!("`{}` shares a port pair itself", names.circuits[place].value);
                Err(Fault::new(message, "has no port pair of its own", remedy))
            }
        }
    });
    for key in PAIR_KEYS {
        table.refuse(key, format!("`{key}` is fixed by the port pair that the circuit shares"), "take it away");
    }
    pair.map(|pair| pair.value)
}

fn circuit(name: Located<String>, pair: Option<PairId>, mut table: Table<'_>, facts: &mut Facts) -> Option<Circuit> {
    let bandwidth = table.required("bandwidth", "\"10G\"", values::rate_bps);
    let s_tag_at = table.key_at("s_tag");
    let s_tag = table.optional("s_tag", values::vid);
    let rate_limit = rate_limit(&mut table, bandwidth.map(|bandwidth| bandwidth.value));
    let private = peering::private(&name, &mut table, facts);
    table.refuse("microsoft", "Microsoft peering is not emulated yet", "take the table away; private peering is");
    let c_tag = private.as_ref().and_then(|private| private.c_tag);
    facts.circuits.push(CircuitFacts { name: name.clone(), pair, bandwidth, s_tag_at, s_tag, c_tag });
    let private = match private {
        Some(private) => Some(private.finish()?),
        None => None,
    };
    Some(Circuit { name, pair: pair?, bandwidth_bps: bandwidth?, s_tag, rate_limit, private })
}

fn rate_limit(table: &mut Table<'_>, bandwidth_bps: Option<u64>) -> Option<RateLimit> {
    let on = table.optional("rate_limit", values::boolean).is_some_and(|on| on.value);
    let burst = table.optional("burst", values::octets(LEAST_BUFFER..=MOST_BURST));
    if !on {
        if let Some(burst) = burst {
            let unused = Diagnostic::error(burst.at, "`burst` is the depth of the rate limit, and that is off");
            table.report(unused.label("without effect").remedy("add `rate_limit = true`, or take `burst` away"));
        }
        return None;
    }
    // Where nothing is said: what the bandwidth carries in 5 ms. Microsoft publishes no figure.
    let burst_octets = burst.map_or(bandwidth_bps.unwrap_or(0) / 1_600, |burst| burst.value);
    Some(RateLimit { burst_octets: burst_octets.clamp(LEAST_BUFFER, MOST_BURST) as u32 })
}

#[derive(Clone, Copy)]
enum Model {
    Direct,
    Later(&'static str),
}

const MODELS: &[(&str, Model)] = &[
    ("direct", Model::Direct),
    ("exchange", Model::Later("exchange")),
    ("ethernet", Model::Later("ethernet")),
    ("ipvpn", Model::Later("ipvpn")),
];

/// The words of `admin`.
pub(super) const ADMIN: &[(&str, Admin)] = &[("enabled", Admin::Enabled), ("disabled", Admin::Disabled)];

/// ExpressRoute Direct comes as pairs of 10, 100 and 400 Gb/s.
const DIRECT_PORTS: &[PortSpeed] = &[PortSpeed::G10, PortSpeed::G100, PortSpeed::G400];

/// Keys that belong to the port pair.
const PAIR_KEYS: [&str; 11] =
    ["site", "location", "port", "encapsulation", "tpid", "delay", "loss", "buffer", "queues", "primary", "secondary"];

/// Delay of a link where none is given.
const DELAY: Span = Span::from_ms(1);
/// Priority classes of a port where nothing is said: control above the rest.
pub(super) const QUEUES: u8 = 2;
/// The least buffer or burst: one frame of the largest size.
pub(super) const LEAST_BUFFER: u64 = 16 << 10;
/// The largest buffer.
pub(super) const MOST_BUFFER: u64 = 16 << 30;
/// The largest burst: what a policer counts in.
const MOST_BURST: u64 = u32::MAX as u64;
