//! Entries of a router: labels, cross-connects, pseudowires and routes, and where each sends its frames.

use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{
    Attachment, CrossConnect, EgressTags, Hop, LabelEntry, LabelOp, OutLabel, Pseudowire, Route, RouterPortId, Tags,
};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::table::{MAX_PUSH, Payload, TcRule, TtlModel, VlanKey};

/// The names of a router's ports.
pub(super) struct Ports(pub(super) Vec<Located<String>>);

impl Ports {
    fn find(&self, value: Value<'_>) -> Result<RouterPortId, Fault> {
        values::reference("port", &self.0)(value).map(RouterPortId)
    }
}

/// `[[router.NAME.label]]`.
pub(super) fn label_entry(mut table: Table<'_>, ports: &Ports) -> Option<LabelEntry> {
    let label = table.required("in", "100", values::label);
    let Some(operation) = table.required("do", "\"swap\"", values::choice(OPERATIONS)) else {
        table.leave();
        return None;
    };
    let op = match operation.value {
        Operation::Swap => swap(&mut table, ports),
        Operation::Pop => pop(&mut table, ports),
        Operation::PopLookup => {
            for key in ["next", "out", "payload", "label_ttl", "tc", "entropy", "tags", "to", "control_word"] {
                table.refuse(
                    key,
                    format!("`{key}` has no meaning for \"pop-lookup\": a lookup decides"),
                    "take it away",
                );
            }
            let ttl = table.optional("ttl", values::choice(TTL));
            Some(LabelOp::PopLookup(ttl.map_or(TtlModel::Uniform, |ttl| ttl.value)))
        }
        Operation::PopPseudowire => {
            for key in ["next", "out", "payload", "ttl", "label_ttl", "tc", "entropy", "tags"] {
                let remedy = "`to = { port = \"b\", vlan = 10 }` says where the Ethernet frame goes";
                table.refuse(key, format!("`{key}` has no meaning for \"pop-pseudowire\""), remedy);
            }
            let to = attachment(&mut table, "to", ports);
            let control_word = control_word(&mut table);
            to.map(|to| LabelOp::PopPseudowire { to, control_word })
        }
    };
    Some(LabelEntry { label: label?, op: op? })
}

fn swap(table: &mut Table<'_>, ports: &Ports) -> Option<LabelOp> {
    refuse_pseudowire_keys(table);
    if !table.has("out") {
        table.report_missing("out", "[200]");
    }
    let is_null = table.peek("out").is_some_and(|out| out.is_word("implicit-null"));
    let what = if is_null { "a pop" } else { "a swap" };
    let unused: &[&'static str] = if is_null { &POP_UNUSED } else { &SWAP_UNUSED };
    for key in unused {
        let remedy = "take it away: TTL and traffic class of the label that came go on";
        table.refuse(key, format!("`{key}` has no effect on {what}"), remedy);
    }
    match hop(table, ports, EgressTags::Keep) {
        // A swap with implicit null is penultimate-hop popping (RFC 3032 §2.1).
        Some((hop, true)) => Some(LabelOp::Pop { payload: payload(table)?, hop }),
        Some((hop, false)) => {
            table.refuse("payload", "a swap does not reach what lies beneath: `payload`", "take it away");
            (!hop.push.is_empty()).then_some(LabelOp::Swap(hop))
        }
        None => {
            // The hop is reported; whether a payload belongs here is not known.
            table.value("payload");
            None
        }
    }
}

fn pop(table: &mut Table<'_>, ports: &Ports) -> Option<LabelOp> {
    refuse_pseudowire_keys(table);
    table.refuse("out", "a pop pushes nothing: `out`", "take it away, or write `do = \"swap\"`");
    for key in POP_UNUSED {
        table.refuse(key, format!("`{key}` has no effect on a pop: nothing is pushed"), "take it away");
    }
    let payload = payload(table);
    let (hop, _) = hop(table, ports, EgressTags::Keep)?;
    Some(LabelOp::Pop { payload: payload?, hop })
}

fn payload(table: &mut Table<'_>) -> Option<Payload> {
    let read = |value: Value<'_>| match value.value.as_str() {
        Some("ethernet") => {
            let remedy = "write `do = \"pop-pseudowire\"` with `to`, which hands the Ethernet frame to an attachment";
            Err(Fault::new("a pop cannot hand on Ethernet without an attachment", "not with \"pop\"", remedy))
        }
        _ => values::choice(PAYLOADS)(value),
    };
    table.required("payload", "\"ipv4\"", read).map(|payload| payload.value)
}

fn refuse_pseudowire_keys(table: &mut Table<'_>) {
    for key in ["to", "control_word"] {
        table.refuse(
            key,
            format!("`{key}` belongs to \"pop-pseudowire\""),
            "take it away, or write `do = \"pop-pseudowire\"`",
        );
    }
}

fn control_word(table: &mut Table<'_>) -> bool {
    table.optional("control_word", values::boolean).is_some_and(|word| word.value)
}

/// `[[router.NAME.cross_connect]]`.
pub(super) fn cross_connect(mut table: Table<'_>, ports: &Ports) -> Option<CrossConnect> {
    let from = attachment(&mut table, "from", ports);
    let to = attachment(&mut table, "to", ports);
    let both_ways = table.optional("both_ways", values::boolean).is_none_or(|both| both.value);
    let filter_reserved = table.optional("filter_reserved", values::boolean).is_some_and(|filter| filter.value);
    let (from, to) = (from?, to?);
    if from.port.value == to.port.value && from.key == to.key {
        let itself = Diagnostic::error(to.at, "a cross-connect joins a sub-interface to itself").label("the same");
        table.report(itself.also(from.at, "as this").remedy("name another port or VLAN"));
    }
    Some(CrossConnect { from, to, both_ways, filter_reserved })
}

/// `[[router.NAME.pseudowire]]`.
pub(super) fn pseudowire(mut table: Table<'_>, ports: &Ports) -> Option<Pseudowire> {
    let attachment = attachment(&mut table, "from", ports);
    let label = table.optional("in", values::label);
    let control_word = control_word(&mut table);
    if !table.has("out") {
        table.report_missing("out", "[500, 600]");
    }
    let (hop, nothing) = hop(&mut table, ports, EgressTags::Strip)?;
    if nothing {
        let none = Diagnostic::error(table.at(), "a pseudowire has a label of its own, and `out` has none");
        table.report(none.remedy("write the label as the last of `out`"));
    }
    if hop.tags == EgressTags::Keep {
        let keep =
            Diagnostic::error(table.key_at("tags").unwrap_or(table.at()), "a pseudowire's labels go under new tags");
        table.report(keep.label("not here").remedy("write `tags = \"strip\"` or `tags = { vlan = 10 }`"));
    }
    Some(Pseudowire { attachment: attachment?, hop, label, control_word })
}

/// `[[router.NAME.route]]`.
pub(super) fn route(mut table: Table<'_>, ports: &Ports) -> Option<Route> {
    let prefix = table.required("prefix", "\"10.20.0.0/16\"", values::prefix);
    let (hop, _) = hop(&mut table, ports, EgressTags::Strip)?;
    Some(Route { prefix: prefix?, hop })
}

/// The keys `next`, `out`, `ttl`, `label_ttl`, `tc`, `entropy` and `tags`; and whether `out` is implicit null.
fn hop(table: &mut Table<'_>, ports: &Ports, tags: EgressTags) -> Option<(Hop, bool)> {
    let next = table.one_or_many("next", |value| ports.find(value));
    match &next {
        None if !table.has("next") => table.report_missing("next", "\"b\""),
        Some(next) if next.is_empty() => {
            let at = table.key_at("next").unwrap_or(table.at());
            table.report_fault(at, Fault::new("`next` is empty", "at least one port", "write `next = \"b\"`"));
        }
        _ => {}
    }
    let out = out_labels(table);
    let ttl = ttl(table);
    let tc = table.optional("tc", traffic_class).map_or(TcRule::Copy, |tc| tc.value);
    let entropy = table.optional("entropy", values::boolean);
    let tags = egress_tags(table, tags);
    let (push, nothing) = out?;
    if let Some(entropy) = entropy.filter(|entropy| entropy.value && push.is_empty()) {
        let bare = Diagnostic::error(entropy.at, "an entropy label goes beneath another label, and `out` has none");
        table.report(bare.label("nothing to go beneath").remedy("add `out`, or take `entropy` away (RFC 6790 §4.2)"));
    }
    let ports = next.filter(|next| !next.is_empty())?;
    Some((Hop { ports, push, ttl, tc, entropy: entropy.is_some_and(|on| on.value), tags }, nothing))
}

/// The labels of `out`, and whether it is implicit null; `None` where it is wrong, which is reported.
fn out_labels(table: &mut Table<'_>) -> Option<(Vec<OutLabel>, bool)> {
    let key = table.key_at("out");
    let Some(key) = key else {
        table.value("out");
        return Some((Vec::new(), false));
    };
    let out = table.one_or_many("out", out_label)?;
    let push: Vec<OutLabel> = out.iter().filter_map(|label| label.value).collect();
    if let Some(null) = out.iter().find(|label| label.value.is_none()).filter(|_| out.len() > 1) {
        let mixed = Diagnostic::error(null.at, "implicit null stands for no label, and here are others");
        table.report(mixed.label("not beside labels").remedy("take it away, or leave it alone in `out`"));
        return None;
    }
    if out.is_empty() {
        table.report_fault(key, Fault::new("`out` is empty", "at least one label", "write `out = [200]`"));
        return None;
    }
    if let Some(over) = out.get(MAX_PUSH) {
        let message = format!("`out` has {} labels, and one entry pushes {MAX_PUSH} at the most", out.len());
        table.report(Diagnostic::error(over.at, message).label("one too many").remedy("push the rest at another hop"));
        return None;
    }
    let nothing = push.is_empty();
    Some((push, nothing))
}

/// A label to push; `None` is implicit null.
fn out_label(value: Value<'_>) -> Result<Option<OutLabel>, Fault> {
    match value.value.as_str() {
        Some("explicit-null") => Ok(Some(OutLabel::ExplicitNull)),
        Some("ipv6-explicit-null") => Ok(Some(OutLabel::ExplicitNullV6)),
        Some("implicit-null") => Ok(None),
        Some(word) => {
            let message = format!("\"{word}\" is not a label");
            let remedy = "write 16 to 1048575, \"explicit-null\", \"ipv6-explicit-null\" or \"implicit-null\"";
            Err(Fault::new(message, "not a label", remedy))
        }
        None => values::label(value).map(|label| Some(OutLabel::Label(label))),
    }
}

fn ttl(table: &mut Table<'_>) -> TtlModel {
    let model = table.optional("ttl", values::choice(TTL)).map_or(TtlModel::Uniform, |model| model.value);
    let first = table.optional("label_ttl", values::small(1..=255));
    match (model, first) {
        (TtlModel::Uniform, Some(first)) => {
            let unused =
                Diagnostic::error(first.at, "in the uniform model a label takes the packet's TTL: `label_ttl`");
            table.report(unused.label("without effect").remedy("take it away, or write `ttl = \"pipe\"` (RFC 3443)"));
            model
        }
        (TtlModel::Pipe { .. }, Some(first)) => TtlModel::Pipe { ttl: first.value },
        (TtlModel::ShortPipe { .. }, Some(first)) => TtlModel::ShortPipe { ttl: first.value },
        (_, None) => model,
    }
}

fn traffic_class(value: Value<'_>) -> Result<TcRule, Fault> {
    match value.value.as_str() {
        Some("copy") => Ok(TcRule::Copy),
        Some(_) => Err(Fault { remedy: "write \"copy\" or 0 to 7".to_owned(), ..value.wrong_type("a traffic class") }),
        None => values::small(0..=7)(value).map(TcRule::Fixed),
    }
}

fn egress_tags(table: &mut Table<'_>, otherwise: EgressTags) -> EgressTags {
    let is_word = table.peek("tags").is_some_and(|value| !value.value.is_table());
    if is_word {
        let words = values::choice(&[("keep", EgressTags::Keep), ("strip", EgressTags::Strip)]);
        return table.optional("tags", words).map_or(otherwise, |tags| tags.value);
    }
    let title = format!("`tags` of {}", table.title());
    let Some(mut tags) = table.table("tags", title) else { return otherwise };
    match key_and_tags(&mut tags) {
        (_, Some(written)) => EgressTags::Push(written),
        (None, None) => otherwise,
        (Some(_), None) => {
            let none = Diagnostic::error(tags.at(), "`tags` names no VLAN").label("no VLAN");
            tags.report(none.remedy("write `tags = { vlan = 10 }`, or `tags = \"strip\"` for none"));
            otherwise
        }
    }
}

/// The list `vlans` of a port: `10` for one tag, `{ outer = 110, inner = 20 }` for two, "any" for every single tag.
/// Those, and whether "any" is among them.
pub(super) fn vlans(table: &mut Table<'_>) -> (Vec<Located<VlanKey>>, bool) {
    let (mut vlans, mut any) = (Vec::new(), false);
    for value in table.values("vlans") {
        if let Some(mut pair) = table.inline(value, "a table in `vlans`") {
            match key_and_tags(&mut pair).0 {
                Some(VlanKey::Any) => pair.report_missing("outer", "110"),
                Some(key) => vlans.push(Located::new(key, value.at)),
                None => {}
            }
        } else if value.value.as_str() == Some("any") {
            any = true;
        } else if let Some(vid) = table.accept(value, values::vid) {
            vlans.push(vid.map(|vid| VlanKey::Single(vid.get())));
        }
    }
    (vlans, any)
}

/// A table such as `{ port = "a", vlan = 10 }`.
fn attachment(table: &mut Table<'_>, key: &'static str, ports: &Ports) -> Option<Attachment> {
    if !table.has(key) {
        table.report_missing(key, "{ port = \"a\", vlan = 10 }");
    }
    let title = format!("`{key}` of {}", table.title());
    let mut sub = table.table(key, title)?;
    let port = sub.required("port", "\"a\"", |value| ports.find(value));
    let untagged = sub.optional("untagged", values::boolean).filter(|untagged| untagged.value);
    let (vlans, tags) = key_and_tags(&mut sub);
    let key = match (vlans?, untagged) {
        (VlanKey::Any, Some(_)) => VlanKey::Untagged,
        (key, None) => key,
        (_, Some(untagged)) => {
            let both = Diagnostic::error(untagged.at, "frames are either untagged or of a VLAN").label("and a VLAN");
            sub.report(both.remedy("take `untagged` or the VLAN away"));
            return None;
        }
    };
    Some(Attachment { port: port?, key, tpid: tags.map_or(0x8100, |tags| tags.tpid), at: sub.at() })
}

/// The keys `vlan`, or `outer` and `inner`, and `tpid`: the frames they mean (`None` where one is wrong) and the tags.
fn key_and_tags(table: &mut Table<'_>) -> (Option<VlanKey>, Option<Tags>) {
    let vlan = table.optional("vlan", values::vid);
    let outer = table.optional("outer", values::vid);
    let inner = table.optional("inner", values::vid);
    let tpid = table.optional("tpid", values::tpid(&crate::wire::vlan::TPIDS));
    let wrong = [("vlan", vlan.is_some()), ("outer", outer.is_some()), ("inner", inner.is_some())];
    if wrong.into_iter().any(|(key, good)| table.has(key) && !good) {
        return (None, None);
    }
    let tpid_number = tpid.map_or(0x8100, |tpid| tpid.value);
    let one = |outer: Located<_>| Tags { outer: outer.value, inner: None, tpid: tpid_number };
    let fault = |message: &str, remedy: &str| Fault::new(message, "", remedy);
    match (vlan, outer, inner) {
        (Some(vlan), None, None) => (Some(VlanKey::Single(vlan.get())), Some(one(vlan))),
        (None, Some(outer), None) => (Some(VlanKey::Single(outer.get())), Some(one(outer))),
        (None, Some(outer), Some(inner)) => {
            let tags = Tags { inner: Some(inner.value), ..one(outer) };
            (Some(VlanKey::Double(outer.get(), inner.get())), Some(tags))
        }
        (None, None, Some(inner)) => {
            table.report_fault(inner.at, fault("`inner` lies beneath an outer tag, and there is none", "add `outer`"));
            (None, None)
        }
        (Some(vlan), ..) => {
            let remedy = "write `vlan` for one tag, `outer` and `inner` for two";
            table.report_fault(vlan.at, fault("`vlan` is one tag; `outer` and `inner` are two", remedy));
            (None, None)
        }
        (None, None, None) => {
            if let Some(tpid) = tpid {
                let remedy = "add `vlan`, or take `tpid` away";
                table.report_fault(tpid.at, fault("`tpid` belongs to a tag, and there is none", remedy));
            }
            (Some(VlanKey::Any), None)
        }
    }
}

/// Keys of a hop that say how labels begin: without effect where one replaces another, or none is pushed.
const SWAP_UNUSED: [&str; 4] = ["ttl", "label_ttl", "tc", "entropy"];
const POP_UNUSED: [&str; 3] = ["label_ttl", "tc", "entropy"];

#[derive(Clone, Copy)]
enum Operation {
    Swap,
    Pop,
    PopLookup,
    PopPseudowire,
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("swap", Operation::Swap),
    ("pop", Operation::Pop),
    ("pop-lookup", Operation::PopLookup),
    ("pop-pseudowire", Operation::PopPseudowire),
];

const PAYLOADS: &[(&str, Payload)] = &[("ipv4", Payload::Ipv4), ("ipv6", Payload::Ipv6), ("labels", Payload::Labels)];

/// The words of `ttl`; a pipe begins with TTL 255 unless said.
pub(super) const TTL: &[(&str, TtlModel)] = &[
    ("uniform", TtlModel::Uniform),
    ("pipe", TtlModel::Pipe { ttl: 255 }),
    ("short-pipe", TtlModel::ShortPipe { ttl: 255 }),
];
