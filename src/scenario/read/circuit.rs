//! `[circuit.NAME]`: a circuit, and the port pair that it is written with or shares.

use super::facts::{CircuitFacts, Facts, PairFacts};
use super::provider::{self, MODELS, Model};
use super::{Names, control, peering, public};
use crate::control::CarrierSpec;
use crate::port::PortSpec;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{
    Admin, Circuit, CircuitId, CircuitSku, Encapsulation, PairId, PairLink, PortPair, RateLimit, Scope,
};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::{PortSpeed, Span};

type Read<T> = Vec<Option<T>>;

/// All circuits and the port pairs beneath them. A circuit without `shares` brings a pair of its own, whose ports take loss
/// of signal like `carrier` where it says nothing else.
pub(super) fn circuits(
    tables: Vec<(Located<String>, Table<'_>)>,
    names: &Names,
    carrier: CarrierSpec,
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
        let model = table.required("model", "\"direct\"", values::choice(MODELS)).map(|model| model.value);
        refuse_aggregation(model, &mut table);
        let pair = match own_pairs[place] {
            Some(pair) => {
                // A model that cannot be read is told; what follows is read as if it were the usual one.
                let model = model.unwrap_or(Model::Direct);
                pairs.push(port_pair(name.clone(), (model, carrier), &mut table, names, facts));
                // `shares` is a key here too, for whoever misspells it.
                table.value("shares");
                Some(pair)
            }
            None => shared_pair((CircuitId(place), model), &mut table, names, &own_pairs),
        };
        circuits.push(circuit(name, (pair, model), table, facts));
    }
    (circuits, pairs)
}

/// What is written of a port pair in the table of the circuit that brings it.
fn port_pair(
    name: Located<String>,
    (model, carrier_delay): (Model, CarrierSpec),
    table: &mut Table<'_>,
    names: &Names,
    facts: &mut Facts,
) -> Option<PortPair> {
    let is_direct = model == Model::Direct;
    let sites = provider::sites(table, model, names);
    let locations = locations(table, &name);
    let speeds = if is_direct { DIRECT_PORTS } else { &PortSpeed::ALL };
    let port = table.required("port", if is_direct { "\"100G\"" } else { "\"10G\"" }, values::port_speed(speeds));
    let delay = table.optional("delay", values::delay).unwrap_or(Located::new(DELAY, name.at));
    let loss_ppb = table.optional("loss", values::share_ppb).map_or(0, |loss| loss.value);
    let link = PairLink { admin: Admin::Enabled, delay, loss_ppb };
    let carrier = provider::carrier(table, model, names, (port.map(|port| port.value), link));
    // Behind a provider Microsoft's ports are QinQ.
    let encapsulation =
        if is_direct { encapsulation(table) } else { Some(Encapsulation::Qinq { outer_tpid: tpid(table) }) };
    let of_direct = port.filter(|_| is_direct);
    facts.pairs.push(PairFacts { is_provided: !is_direct, port: of_direct, encapsulation });
    let buffer = table.optional("buffer", values::octets(LEAST_BUFFER..=MOST_BUFFER)).map(|buffer| buffer.value);
    let queues = table.optional("queues", values::small(1..=8)).map_or(QUEUES, |queues| queues.value);
    let carrier_delay = control::carrier(table, carrier_delay);
    let [primary, secondary] = provider::links(table, model, link);
    let (port, carrier) = (port?.value, carrier?);
    Some(PortPair {
        sites: sites?,
        carrier,
        locations: locations?,
        name,
        port,
        encapsulation: encapsulation?,
        buffer_octets: buffer.unwrap_or(PortSpec::default_buffer(port)),
        queues,
        carrier_delay,
        primary,
        secondary,
    })
}

/// The two links of a pair are two routed ports: Microsoft's edge aggregates none (EXPRESSROUTE: ExpressRoute Direct).
fn refuse_aggregation(model: Option<Model>, table: &mut Table<'_>) {
    let message = match model {
        Some(Model::Direct) | None => "link aggregation (LACP, MLAG) is not supported on ExpressRoute Direct",
        Some(_) => "the two links of a circuit are not aggregated (LACP, MLAG): they meet two Microsoft edge routers",
    };
    for key in ["lag", "lacp", "mlag"] {
        let remedy = "take it away: both links are active, and traffic is spread over them by BGP and equal-cost paths";
        table.refuse(key, message, remedy);
    }
}

/// `location`: where the links meet Microsoft; two of one metropolitan area with ExpressRoute Metro (EXPRESSROUTE:
/// resiliency tiers). Where nothing is said, the circuit's name stands for it.
fn locations(table: &mut Table<'_>, name: &Located<String>) -> Option<[String; 2]> {
    if !table.has("location") {
        table.value("location");
        return Some([name.value.clone(), name.value.clone()]);
    }
    let at = table.key_at("location")?;
    let written = table.one_or_many("location", values::text)?;
    match &written[..] {
        [both] => Some([both.value.clone(), both.value.clone()]),
        [primary, secondary] if primary.value != secondary.value => {
            Some([primary.value.clone(), secondary.value.clone()])
        }
        _ => {
            let message = format!("`location` has {} places, and a circuit has one, or two that differ", written.len());
            let remedy = "write `location = \"Amsterdam\"`, or [\"Amsterdam\", \"Amsterdam2\"] for Metro";
            table.report_fault(at, Fault::new(message, "one or two", remedy));
            None
        }
    }
}

/// The TPID of the outer tag at Microsoft's ports.
fn tpid(table: &mut Table<'_>) -> u16 {
    table.optional("tpid", values::tpid(&[0x8100, 0x88a8])).map_or(0x8100, |tpid| tpid.value)
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
pub(super) fn pair_link(table: &mut Table<'_>, key: &'static str, both: PairLink, of_provider: bool) -> PairLink {
    let title = format!("`{key}` of {}", table.title());
    let Some(mut link) = table.table(key, title) else { return both };
    if of_provider {
        let message = "with an IPVPN the link to Microsoft is the provider's";
        link.refuse("delay", message, "write `nni_delay` with the provider");
        link.refuse("loss", message, "take it away; `loss` of the circuit is that of the links to the sites");
    }
    PairLink {
        admin: link.optional("admin", values::choice(ADMIN)).map_or(both.admin, |admin| admin.value),
        delay: link.optional("delay", values::delay).unwrap_or(both.delay),
        loss_ppb: link.optional("loss", values::share_ppb).map_or(both.loss_ppb, |loss| loss.value),
    }
}

/// The pair of the circuit that `shares` names; what the pair fixes cannot be written a second time.
fn shared_pair(
    (this, model): (CircuitId, Option<Model>),
    table: &mut Table<'_>,
    names: &Names,
    own_pairs: &[Option<PairId>],
) -> Option<PairId> {
    if let Some(model) = model.filter(|model| *model != Model::Direct) {
        let message = format!("a circuit of the model \"{}\" shares no port pair", model.word());
        table.refuse("shares", message, "take `shares` away, or write `model = \"direct\"`");
        return None;
    }
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

fn circuit(
    name: Located<String>,
    (pair, model): (Option<PairId>, Option<Model>),
    mut table: Table<'_>,
    facts: &mut Facts,
) -> Option<Circuit> {
    let bandwidth = table.required("bandwidth", "\"10G\"", values::rate_bps);
    let s_tag_at = table.key_at("s_tag");
    let s_tag = table.optional("s_tag", values::vid);
    // A provider's circuit is held to its bandwidth (EXPRESSROUTE: rate limits); a Direct one where that is asked for.
    let is_limited = model.is_some_and(|model| model != Model::Direct);
    let tolerance_ppb = if is_limited { 0 } else { DIRECT_TOLERANCE_PPB };
    let otherwise = (is_limited, tolerance_ppb);
    let rate_limit = rate_limit(&mut table, bandwidth.map(|bandwidth| bandwidth.value), otherwise);
    let scope = scope(&name, &mut table);
    let private = peering::private(&name, &mut table, facts);
    if model == Some(Model::IpVpn) {
        let message = "the Microsoft peering of an IPVPN is the provider's, NAT and all, and is not emulated";
        table.refuse("microsoft", message, "take the table away, or write another `model`");
    }
    let microsoft = public::microsoft(&name, &mut table, facts);
    let c_tags = [private.as_ref().and_then(|p| p.c_tag), microsoft.as_ref().and_then(|m| m.c_tag())];
    let c_tags = c_tags.into_iter().flatten().collect();
    let own = [private.as_ref().and_then(|p| p.own_c_tag()), microsoft.as_ref().and_then(|m| m.own_c_tag())];
    let own_c_tags = own.into_iter().flatten().collect();
    facts.circuits.push(CircuitFacts { name: name.clone(), pair, bandwidth, s_tag_at, s_tag, c_tags, own_c_tags });
    let private = match private {
        Some(private) => Some(private.finish()?),
        None => None,
    };
    let microsoft = match microsoft {
        Some(microsoft) => Some(microsoft.finish()?),
        None => None,
    };
    Some(Circuit { name, scope, pair: pair?, bandwidth_bps: bandwidth?, s_tag, rate_limit, private, microsoft })
}

/// What says how far the circuit reaches: for each circuit its own, whatever port pair it shares.
fn scope(name: &Located<String>, table: &mut Table<'_>) -> Scope {
    let sku = table.optional("sku", values::choice(SKUS)).unwrap_or(Located::new(CircuitSku::Standard, name.at));
    let geo = table.optional("geo", values::text);
    let local_regions = table.list("local_regions", values::text);
    if let (Some(at), false) = (table.key_at("local_regions"), sku.value == CircuitSku::Local) {
        let unused = Diagnostic::error(at, "only a circuit of the SKU \"local\" has `local_regions`");
        table.report(unused.label("without effect").remedy("write `sku = \"local\"`, or take them away"));
    }
    Scope { sku, geo, local_regions }
}

/// `otherwise`: whether there is a limit, and its tolerance, where nothing is said.
fn rate_limit(table: &mut Table<'_>, bandwidth_bps: Option<u64>, otherwise: (bool, u32)) -> Option<RateLimit> {
    let on = table.optional("rate_limit", values::boolean).map_or(otherwise.0, |on| on.value);
    let burst = table.optional("burst", values::octets(LEAST_BUFFER..=MOST_BURST));
    let tolerance = table.optional("tolerance", values::share_ppb);
    if !on {
        if let Some(tolerance) = tolerance {
            let unused = Diagnostic::error(tolerance.at, "`tolerance` is that of the rate limit, and that is off");
            let remedy = "add `rate_limit = true`, or take `tolerance` away";
            table.report(unused.label("without effect").remedy(remedy));
        }
        if let Some(burst) = burst {
            let unused = Diagnostic::error(burst.at, "`burst` is the depth of the rate limit, and that is off");
            table.report(unused.label("without effect").remedy("add `rate_limit = true`, or take `burst` away"));
        }
        return None;
    }
    // Where nothing is said: what the bandwidth carries in 5 ms. Microsoft publishes no figure.
    let burst_octets = burst.map_or(bandwidth_bps.unwrap_or(0) / 1_600, |burst| burst.value);
    Some(RateLimit {
        burst_octets: burst_octets.clamp(LEAST_BUFFER, MOST_BURST) as u32,
        tolerance_ppb: tolerance.map_or(otherwise.1, |tolerance| tolerance.value),
    })
}

/// The words of `sku`.
const SKUS: &[(&str, CircuitSku)] =
    &[("local", CircuitSku::Local), ("standard", CircuitSku::Standard), ("premium", CircuitSku::Premium)];

/// ExpressRoute Direct leaves a circuit alone up to a fifth above its bandwidth (EXPRESSROUTE: rate limits).
const DIRECT_TOLERANCE_PPB: u32 = 200_000_000;

/// The words of `admin`.
pub(super) const ADMIN: &[(&str, Admin)] = &[("enabled", Admin::Enabled), ("disabled", Admin::Disabled)];

/// ExpressRoute Direct comes as pairs of 10, 100 and 400 Gb/s.
const DIRECT_PORTS: &[PortSpeed] = &[PortSpeed::G10, PortSpeed::G100, PortSpeed::G400];

/// Keys that belong to the port pair; the schema refuses the same.
pub(in crate::scenario) const PAIR_KEYS: [&str; 16] = [
    "site",
    "sites",
    "provider",
    "vlan",
    "location",
    "port",
    "encapsulation",
    "tpid",
    "delay",
    "loss",
    "buffer",
    "queues",
    "carrier_delay",
    "carrier_up_delay",
    "primary",
    "secondary",
];

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
