//! `[[event]]`: what happens to a link during a drill.

use super::shape::{Shape, Table, When, amount, integer, key, name, table, time, when};
use crate::scenario::units::Quantity;
use crate::time::MIN_FRAME_OCTETS;
use crate::wire::ethernet::MAX_FRAME_OCTETS;

pub(super) fn event() -> Table {
    let kind = |word: &'static [&'static str]| [When::word("do", word)];
    let rate = Shape::Any(vec![amount(Quantity::Rate), amount(Quantity::Share)]);
    let octets = integer(MIN_FRAME_OCTETS.into()..=MAX_FRAME_OCTETS.into());
    let keys = vec![
        key("name", name(), "What reports call it; \"cut of london.primary at 2s\" if absent.").example("light-lost"),
        key("at", time(), "When it begins, from the start of the run; before that ends.").required().example("2s"),
        key("for", time(), "How long it lasts, above 0; as long as the run if absent.").example("3s"),
        key(
            "do",
            Shape::Words(&["cut", "blackhole", "congest"]),
            "Loss of signal; frames lost that nothing shows; or other traffic at the sending ports.",
        )
        .required(),
        key(
            "target",
            Shape::Text,
            "The link: CIRCUIT.primary or CIRCUIT.secondary at Microsoft's port, or PROVIDER.LINK, a link between P \
             routers by its `name` or theirs.",
        )
        .required()
        .example("london.primary")
        .example("carrier.p1-p2"),
        key("fibre", Shape::Words(WAYS), "Of a cut: which fibre; back and forth are of providers' links.")
            .default("both"),
        key(
            "remote_fault",
            Shape::Boolean,
            "Of a cut of one fibre: whether the sender's port goes down too, told by a remote fault (IEEE 802.3).",
        )
        .default(true),
        key("at_share", amount(Quantity::Share), "Of a cut: where, from the customer's end or the first router.")
            .default("50%"),
        key("direction", Shape::Words(WAYS), "Of a blackhole or a congestion: which way of the link.")
            .default("both"),
        key("rate", rate, "Of a congestion: octets on the wire, as a share of what the port carries or in bits per second; up to 1000% or 4 Tb/s.")
            .example("120%")
            .example("4Gbps"),
        key("frame", octets, "Of a congestion: octets of its frames, FCS counted.").default(1518),
        key("class", integer(0..=7), "Of a congestion: priority class of its frames.").default(0),
    ];
    let one = Shape::Words(&["to-microsoft", "from-microsoft", "forth", "back"]);
    table("[[event]]", "What happens to a link.", keys).rules([
        when(kind(&["cut"])).without(&["direction", "rate", "frame", "class"]),
        when(kind(&["blackhole"])).without(&["fibre", "remote_fault", "at_share", "rate", "frame", "class"]),
        when(kind(&["congest"])).needs(&["rate"]).without(&["fibre", "remote_fault", "at_share"]),
        when([When::IsNot("fibre", one)]).without(&["remote_fault"]),
    ])
}

const WAYS: &[&str] = &["both", "to-microsoft", "from-microsoft", "forth", "back"];
