//! `[[traffic]]`: a stream between sites, virtual networks and services; what cannot be a stream is refused where it is written.

mod address;
mod spans;

use super::{Names, names_once};
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{Circuit, PortPair, Service, ServiceId, Site, SiteId, StreamEnd, Traffic, Vnet, VnetId};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::units::{self, Quantity};
use crate::scenario::values;
use crate::time::{Instant, MIN_FRAME_OCTETS, PortSpeed, Span};
use crate::traffic::schedule::Ratio;
use crate::traffic::stream::{AddressRange, FrameSizes, Layer, MAX_STREAM_FLOWS, Rate, StreamError, StreamSpec};
use crate::wire::ethernet::MAX_FRAME_OCTETS;

/// What streams refer to, as far as it could be read.
pub(super) struct Ends<'s> {
    /// The names of sites, then those of virtual networks, then those of services.
    names: Vec<Located<String>>,
    sites: &'s [Option<Site>],
    vnets: &'s [Option<Vnet>],
    services: &'s [Option<Service>],
    circuits: &'s [Option<Circuit>],
    pairs: &'s [Option<PortPair>],
}

/// All sites, virtual networks and services.
type Hosts<'s> = (&'s [Option<Site>], &'s [Option<Vnet>], &'s [Option<Service>]);

impl<'s> Ends<'s> {
    pub(super) fn new(
        names: &Names,
        (sites, vnets, services): Hosts<'s>,
        (circuits, pairs): (&'s [Option<Circuit>], &'s [Option<PortPair>]),
    ) -> Self {
        let names = names.sites.iter().chain(&names.vnets).chain(&names.services).cloned().collect();
        Ends { names, sites, vnets, services, circuits, pairs }
    }

    fn end(&self, place: usize) -> StreamEnd {
        let (sites, vnets) = (self.sites.len(), self.vnets.len());
        match place {
            _ if place < sites => StreamEnd::Site(SiteId(place)),
            _ if place < sites + vnets => StreamEnd::Vnet(VnetId(place - sites)),
            _ => StreamEnd::Service(ServiceId(place - sites - vnets)),
        }
    }

    fn name(&self, end: StreamEnd) -> &str {
        match end {
            StreamEnd::Site(site) => &self.names[site.index()].value,
            StreamEnd::Vnet(vnet) => &self.names[self.sites.len() + vnet.index()].value,
            StreamEnd::Service(service) => &self.names[self.sites.len() + self.vnets.len() + service.index()].value,
        }
    }

    /// The speed of the ports that an end sends by; 100G where the site could not be read.
    fn speed(&self, end: StreamEnd) -> PortSpeed {
        match end {
            StreamEnd::Site(site) => self.sites[site.index()].as_ref().map_or(PortSpeed::G100, |site| site.lan.port),
            StreamEnd::Vnet(_) | StreamEnd::Service(_) => Vnet::PORT,
        }
    }
}

/// All streams, in the order of the file.
pub(super) fn streams(
    tables: Vec<Table<'_>>,
    ends: &Ends<'_>,
    duration: Option<Span>,
    problems: &Problems,
) -> Vec<Option<Traffic>> {
    if let Some(over) = tables.get(MOST) {
        let message = format!("{} streams are more than one scenario holds", tables.len());
        let over = Diagnostic::error(over.at(), message).label(format!("number {}", MOST + 1));
        problems.report(over.remedy(format!("write {MOST} streams at the most")));
    }
    let streams: Vec<_> = tables.into_iter().map(|table| stream(table, ends, duration)).collect();
    names_once("streams", streams.iter().flatten().map(|stream| &stream.name), problems);
    streams
}

fn stream(mut table: Table<'_>, ends: &Ends<'_>, duration: Option<Span>) -> Option<Traffic> {
    let name = match (table.has("name"), table.optional("name", values::name)) {
        (true, None) => Err(()),
        (_, name) => Ok(name),
    };
    let from = end(&mut table, "from", "\"hq\"", ends);
    let to = end(&mut table, "to", "\"prod\"", ends);
    let flows = table.optional("flows", values::integer(1..=u64::from(MAX_STREAM_FLOWS)));
    let sizes = sizes(&mut table);
    let rate = rate(&mut table);
    let dscp = table.optional("dscp", dscp).map_or(0, |dscp| dscp.value);
    let dont_fragment = table.optional("dont_fragment", values::boolean).is_none_or(|said| said.value);
    let counts = table.optional("counts", values::choice(LAYERS));
    let nets = address::nets(&mut table, from.as_ref().zip(to.as_ref()), ends);
    let spans = spans::spans(&mut table, duration);
    let (from, to, (rate_text, rate)) = (from?.value, to?.value, rate?);
    if let (Some(counts), false) = (&counts, matches!(rate.value, Asked::Bits(_))) {
        let wrong = Diagnostic::error(counts.at, "`counts` says what a rate in bits per second counts");
        let wrong = wrong.label("not with this rate").also(rate.at, "this is none");
        table.report(wrong.remedy("take `counts` away, or write a rate like \"4Gbps\""));
    }
    let (begin, end) = spans?;
    let layer = counts.map_or(Layer::Packet, |counts| counts.value);
    let nets = nets?;
    let template = StreamSpec {
        begin: Instant::ZERO + begin.value,
        traffic_class: dscp << 2,
        dont_fragment,
        ..StreamSpec::new(
            AddressRange::hosts_of(nets.from),
            AddressRange::hosts_of(nets.to),
            // The range of flows ends at 2^20.
            flows.map_or(1, |flows| flows.value as u32),
            sizes?.value,
            rate.value.rate(layer, ends.speed(from))?,
        )
    };
    check(&table, &template)?;
    let default = Located::new(format!("{} to {}", ends.name(from), ends.name(to)), table.at());
    Some(Traffic {
        name: name.ok()?.unwrap_or(default),
        at: table.at(),
        from,
        to,
        is_translated: nets.is_translated,
        template,
        rate: rate_text,
        counts: match rate.value {
            Asked::Bits(_) => Some(layer),
            Asked::Share(_) => Some(Layer::Wire),
            Asked::Frames(_) => None,
        },
        begin,
        end,
    })
}

fn end(table: &mut Table<'_>, key: &'static str, example: &str, ends: &Ends<'_>) -> Option<Located<StreamEnd>> {
    let place = table.required(key, example, values::reference("site, virtual network or service", &ends.names))?;
    Some(place.map(|place| ends.end(place)))
}

/// A rate as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Bits(u64),
    Frames(u64),
    /// Of line rate, in parts per 10^9.
    Share(u64),
}

impl Asked {
    /// `None` for no share of anything, which reading refuses.
    fn rate(self, layer: Layer, speed: PortSpeed) -> Option<Rate> {
        Some(match self {
            Asked::Bits(bps) => Rate::Bits(bps, layer),
            Asked::Frames(pps) => Rate::Frames(pps),
            Asked::Share(ppb) => Rate::Line(speed, Ratio::new(ppb, WHOLE)?),
        })
    }
}

fn rate(table: &mut Table<'_>) -> Option<(String, Located<Asked>)> {
    let text = table.peek("rate").and_then(|value| value.value.as_str()).map(|text| text.trim().to_owned());
    let rate = table.required("rate", "\"1Gbps\"", asked)?;
    Some((text?, rate))
}

fn asked(value: Value<'_>) -> Result<Asked, Fault> {
    let remedy = || "write it like \"4Gbps\", \"1.5Mpps\" or \"40%\" (of what the sending port can carry)".to_owned();
    let Some(text) = value.value.as_str() else {
        return Err(Fault { remedy: remedy(), ..value.wrong_type("a rate in quotes") });
    };
    let ends = |units: &[&str]| units.iter().any(|unit| text.trim().to_ascii_lowercase().ends_with(unit));
    let (quantity, asked): (_, fn(u64) -> Asked) = match () {
        () if ends(&["%", "ppm", "ppb"]) => (Quantity::Share, Asked::Share),
        () if ends(&["pps", "fps"]) => (Quantity::FrameRate, Asked::Frames),
        () => (Quantity::Rate, Asked::Bits),
    };
    let fault = |message: String, remedy: String| Fault::new(message, "not understood", remedy);
    let amount = units::parse(text, quantity).map_err(|error| {
        let finer = error.remedy.starts_with("round");
        fault(format!("`{}`: {}", value.key, error.message), if finer { error.remedy } else { remedy() })
    })?;
    match asked(amount) {
        Asked::Share(0) | Asked::Bits(0) | Asked::Frames(0) => {
            let remedy = "write a rate above 0, or take the stream away";
            Err(Fault::new(format!("`{}` is 0: the stream would have no frame", value.key), "nothing", remedy))
        }
        asked => Ok(asked),
    }
}

/// One size, the mix, or a list of sizes with their weights.
fn sizes(table: &mut Table<'_>) -> Option<Located<FrameSizes>> {
    let Some(value) = table.peek("frame").filter(|value| value.items().is_some()) else {
        let default = Located::new(FrameSizes::Imix, table.at());
        let is_absent = !table.has("frame");
        return table.optional("frame", size).or(is_absent.then_some(default));
    };
    let mut sizes = Vec::new();
    for item in table.values("frame") {
        let Some(mut entry) = table.inline(item, "an entry of `frame`") else {
            table.report_fault(
                item.at,
                Fault { remedy: SIZES.into(), ..item.wrong_type("octets and their weight in braces") },
            );
            sizes.push(None);
            continue;
        };
        let octets = entry.required("octets", "512", values::integer(FRAMES));
        let weight = entry.optional("weight", values::integer(1..=1 << 16));
        let absent = !entry.has("weight");
        // Both ranges are of less than 2^32.
        let weight = weight.map(|weight| weight.value as u32).or(absent.then_some(1));
        sizes.push(octets.map(|octets| octets.value as u16).zip(weight));
    }
    let sizes = sizes.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Located::new(FrameSizes::Weighted(sizes), value.at))
}

fn size(value: Value<'_>) -> Result<FrameSizes, Fault> {
    match value.value.as_str() {
        Some("imix") => Ok(FrameSizes::Imix),
        Some(word) => Err(Fault::new(format!("`{}` cannot be \"{word}\"", value.key), "no such word", SIZES)),
        None if !value.value.is_integer() => {
            Err(Fault { remedy: SIZES.into(), ..value.wrong_type("a number of octets") })
        }
        // The range ends at 16384.
        None => values::integer(FRAMES)(value).map(|octets| FrameSizes::One(octets as u16)),
    }
}

/// A code point by number or by its name.
fn dscp(value: Value<'_>) -> Result<u8, Fault> {
    match value.value.as_str() {
        Some(_) => values::choice(CODE_POINTS)(value),
        None => values::small(0..=63)(value),
    }
}

/// Reports why there can be no such stream, where what makes it impossible is written.
fn check(table: &Table<'_>, template: &StreamSpec) -> Option<()> {
    // Its end is that of the run.
    let Err(error) = StreamSpec { end: Some(Instant::MAX), ..template.clone() }.check() else { return Some(()) };
    let key = match error {
        StreamError::NoFlows | StreamError::TooManyFlows { .. } => "flows",
        StreamError::NoSizes
        | StreamError::TooManySizes { .. }
        | StreamError::NoWeight { .. }
        | StreamError::WeightsTooFine { .. }
        | StreamError::SizeTooSmall { .. }
        | StreamError::SizeTooLarge { .. } => "frame",
        StreamError::NoRate
        | StreamError::TooFast { .. }
        | StreamError::TooSlow { .. }
        | StreamError::OverLine { .. } => "rate",
        StreamError::NoEnd | StreamError::EndBeforeBegin | StreamError::TooLong { .. } => "begin",
        StreamError::Families { .. }
        | StreamError::Backwards { .. }
        | StreamError::TooManyTags { .. }
        | StreamError::UnknownTpid { .. } => "from",
    };
    let at = table.peek(key).map_or(table.at(), |value| value.at);
    let text = error.to_string();
    let (message, advice) = text.split_once(": ").unwrap_or((&text, "write another stream"));
    let remedy = match error {
        StreamError::SizeTooSmall { least, .. } if template.sizes == FrameSizes::Imix => format!(
            "with IPv6 it has {least} octets or more: write `frame = [{{ octets = {least}, weight = 7 }}, {{ octets = 594, \
             weight = 4 }}, {{ octets = 1518, weight = 1 }}]`"
        ),
        StreamError::SizeTooSmall { least, .. } => {
            format!("with its headers and its FCS it has {least} octets or more")
        }
        _ => advice.to_owned(),
    };
    table.report(Diagnostic::error(at, message).label("impossible").remedy(remedy));
    None
}

/// Octets of a frame.
const FRAMES: std::ops::RangeInclusive<u64> = MIN_FRAME_OCTETS as u64..=MAX_FRAME_OCTETS as u64;

/// Streams of one scenario at the most: what a frame can tell apart.
const MOST: usize = crate::id::StreamId::MAX_SOURCES;

/// All of it, in parts per 10^9.
const WHOLE: u64 = 1_000_000_000;

const SIZES: &str = "write \"imix\", octets with the FCS like 512, or [{ octets = 64, weight = 7 }, { octets = 1518 }]";

const LAYERS: &[(&str, Layer)] = &[("packet", Layer::Packet), ("frame", Layer::Frame), ("wire", Layer::Wire)];

/// RFC 2474 §4.2.2 (CS), RFC 2597 §6 (AF), RFC 3246 §2.7 (EF), RFC 5865 §2 (VOICE-ADMIT), RFC 8622 §3 (LE).
const CODE_POINTS: &[(&str, u8)] = &[
    ("CS0", 0),
    ("LE", 1),
    ("CS1", 8),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("CS2", 16),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("CS3", 24),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("CS4", 32),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("CS5", 40),
    ("VOICE-ADMIT", 44),
    ("EF", 46),
    ("CS6", 48),
    ("CS7", 56),
];
