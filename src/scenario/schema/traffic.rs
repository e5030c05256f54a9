//! `[[traffic]]`: a stream of a drill.

use super::shape::{Shape, Table, When, amount, integer, key, name, prefix, some, table, time, when};
use crate::scenario::units::Quantity;
use crate::time::MIN_FRAME_OCTETS;
use crate::traffic::stream::MAX_STREAM_FLOWS;
use crate::wire::ethernet::MAX_FRAME_OCTETS;
use serde_json::json;

pub(super) fn traffic() -> Table {
    let bits = || amount(Quantity::Rate);
    let rate = Shape::Any(vec![bits(), amount(Quantity::FrameRate), amount(Quantity::Share)]);
    let dscp = Shape::Any(vec![integer(0..=63), Shape::Words(CODE_POINTS)]);
    let keys =
        vec![
        key("name", name(), "What reports call it; \"FROM to TO\" if absent.").example("voice"),
        key("from", name(), "Who sends: a site, a virtual network or a service.").required().example("hq"),
        key("to", name(), "Who receives: a site, a virtual network or a service.").required().example("prod"),
        key("flows", integer(1..=MAX_STREAM_FLOWS.into()), "5-tuples of UDP, spread over the addresses of both ends.")
            .default(1),
        key(
            "frame",
            sizes(),
            "Octets of frames, FCS counted; or \"imix\": 64, 594 and 1518 octets at 7 : 4 : 1; or sizes with weights.",
        )
        .default("imix")
        .example(512)
        .example(json!([{ "octets": 64, "weight": 7 }, { "octets": 1518, "weight": 1 }])),
        key(
            "rate",
            rate,
            "In bits per second, frames per second, or a share of what the sending port can carry; above 0.",
        )
        .required()
        .example("4Gbps")
        .example("1.5Mpps")
        .example("40%"),
        key(
            "counts",
            Shape::Words(&["packet", "frame", "wire"]),
            "What bits per second count: IP packets, frames with FCS, or preamble and gap too.",
        )
        .default("packet"),
        key("dscp", dscp, "Differentiated services code point (RFC 2474), by number or by name.")
            .default(0)
            .example("EF"),
        key("dont_fragment", Shape::Boolean, "Of IPv4: whether what is too long is answered with ICMP errors, not cut.")
            .default(true),
        key("family", Shape::Words(&["ipv4", "ipv6"]), "Address family; IPv4 if absent, where both ends have it."),
        key(
            "prefix_from",
            prefix(),
            "Where its addresses are within the sender's prefixes; the first of the family if absent.",
        )
        .example("10.10.1.0/24"),
        key("prefix_to", prefix(), "The same within the receiver's.").example("10.20.0.0/24"),
        key("begin", time(), "When the first frame is sent, from the start of the run.").default("0s"),
        key("end", time(), "When it ends; with the run if absent.").example("500ms"),
    ];
    table("[[traffic]]", "A stream between sites, virtual networks and services.", keys)
        .rules([when([When::Has("counts")]).with("rate", bits())])
}

fn sizes() -> Shape {
    let octets = || integer(MIN_FRAME_OCTETS as u64..=MAX_FRAME_OCTETS as u64);
    let entry = vec![
        key("octets", octets(), "Octets of the frame, FCS counted.").required().example(512),
        key("weight", integer(1..=1 << 16), "Its share of the frames, against those of the others.").default(1),
    ];
    let entry = table("an entry of `frame`", "", entry).shape();
    Shape::Any(vec![Shape::Words(&["imix"]), octets(), some(entry)])
}

/// RFC 2474 §4.2.2 (CS), RFC 2597 §6 (AF), RFC 3246 §2.7 (EF), RFC 5865 §2 (VOICE-ADMIT), RFC 8622 §3 (LE).
const CODE_POINTS: &[&str] = &[
    "CS0",
    "LE",
    "CS1",
    "AF11",
    "AF12",
    "AF13",
    "CS2",
    "AF21",
    "AF22",
    "AF23",
    "CS3",
    "AF31",
    "AF32",
    "AF33",
    "CS4",
    "AF41",
    "AF42",
    "AF43",
    "CS5",
    "VOICE-ADMIT",
    "EF",
    "CS6",
    "CS7",
];
