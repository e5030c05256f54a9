//! Entries of a router: labels, cross-connects, pseudowires and routes.

use super::provider::TTL;
use super::shape::{Key, Rule, Shape, Table, When, integer, key, name, one_or_many, prefix, table, tpid, vid, when};
use crate::table::MAX_PUSH;

pub(super) fn label() -> Table {
    let mut keys = vec![
        key("in", label_value(), "The label that comes in, on top.").required().example(100),
        key("do", Shape::Words(OPERATIONS), "What becomes of it.").required(),
        key("payload", Shape::Words(&["ipv4", "ipv6", "labels"]), "What lies beneath a label that is popped."),
        key(
            "to",
            attachment("`to` of [[router.NAME.label]]").shape(),
            "Where the Ethernet frame of a pseudowire goes.",
        ),
        control_word(),
    ];
    keys.extend(hop("`tags` of [[router.NAME.label]]", &["keep", "strip"], &[]));
    table("[[router.NAME.label]]", "What becomes of a label.", keys).rules(label_rules())
}

fn label_rules() -> Vec<Rule> {
    let does = |word: &'static [&'static str]| When::word("do", word);
    let mut rules = vec![
        when([does(&["swap"])]).needs(&["out", "next"]).without(&["to", "control_word", "label_ttl", "tc", "entropy"]),
        when([does(&["swap"]), When::Is("out", implicit_null())]).needs(&["payload"]),
        when([does(&["swap"]), When::IsNot("out", implicit_null())]).without(&["payload", "ttl"]),
        when([does(&["pop"])]).needs(&["next", "payload"]).without(&[
            "out",
            "to",
            "control_word",
            "label_ttl",
            "tc",
            "entropy",
        ]),
        when([does(&["pop-lookup"])]).without(&[
            "next",
            "out",
            "payload",
            "label_ttl",
            "tc",
            "entropy",
            "tags",
            "to",
            "control_word",
        ]),
        when([does(&["pop-pseudowire"])]).needs(&["to"]).without(&[
            "next",
            "out",
            "payload",
            "ttl",
            "label_ttl",
            "tc",
            "entropy",
            "tags",
        ]),
    ];
    rules.extend(hop_rules());
    rules
}

pub(super) fn cross_connect() -> Table {
    let keys = vec![
        key("from", attachment("`from` of [[router.NAME.cross_connect]]").shape(), "Where frames come from.")
            .required(),
        key("to", attachment("`to` of [[router.NAME.cross_connect]]").shape(), "Where they go.").required(),
        key("both_ways", Shape::Boolean, "Whether it takes what comes from there too.").default(true),
        key(
            "filter_reserved",
            Shape::Boolean,
            "Whether frames to the reserved addresses of bridges are dropped (IEEE 802.1Q).",
        )
        .default(false),
    ];
    table("[[router.NAME.cross_connect]]", "Two sub-interfaces that are joined.", keys)
}

pub(super) fn pseudowire() -> Table {
    let mut keys = vec![
        key(
            "from",
            attachment("`from` of [[router.NAME.pseudowire]]").shape(),
            "The attachment whose frames it carries.",
        )
        .required(),
        key("in", label_value(), "The label of the way back.").example(501),
        control_word(),
    ];
    keys.extend(hop("`tags` of [[router.NAME.pseudowire]]", &["strip"], &["next", "out"]));
    let mut rules = hop_rules();
    // It has a label of its own.
    rules.push(when([When::Is("out", implicit_null())]).without(&["out"]));
    table("[[router.NAME.pseudowire]]", "Ethernet into labels and back (RFC 4448).", keys).rules(rules)
}

pub(super) fn route() -> Table {
    let mut keys = vec![key("prefix", prefix(), "Where packets go.").required().example("10.20.0.0/16")];
    keys.extend(hop("`tags` of [[router.NAME.route]]", &["strip", "keep"], &["next"]));
    table("[[router.NAME.route]]", "A way for IP packets.", keys).rules(hop_rules())
}

/// Where frames go, and what they get: the first of `words` is the default of `tags`.
fn hop(title: &'static str, words: &'static [&'static str], required: &[&str]) -> Vec<Key> {
    let tagged = table(title, "", tag_keys())
        .rules([when([When::Lacks("vlan")]).needs(&["outer"]), when([When::Has("vlan")]).without(&["outer", "inner"])]);
    let first = Shape::Any(vec![Shape::Words(&["copy"]), integer(0..=7)]);
    let keys = vec![
        key(
            "next",
            one_or_many(name, 1, None),
            "The port by which frames leave, or several, which flows are spread over.",
        )
        .example("b"),
        key("out", one_or_many(out, 1, Some(MAX_PUSH)), "Labels to push, top first.")
            .example(vec![200])
            .example("explicit-null"),
        key("ttl", Shape::Words(TTL), "How TTLs of packet and label depend on each other (RFC 3443).")
            .default("uniform"),
        key("label_ttl", integer(1..=255), "TTL of a new label, with `ttl` \"pipe\" or \"short-pipe\"; 255 if absent."),
        key("tc", first, "Traffic class of new labels: that of the packet, or this.").default("copy"),
        key("entropy", Shape::Boolean, "Whether an entropy label pair goes beneath the labels (RFC 6790).")
            .default(false),
        key(
            "tags",
            Shape::Any(vec![Shape::Words(words), tagged.shape()]),
            "Tags of frames that leave: those that they came with, none, or these.",
        )
        .default(words[0]),
    ];
    keys.into_iter().map(|key| Key { is_required: required.contains(&key.name), ..key }).collect()
}

fn hop_rules() -> Vec<Rule> {
    vec![
        when([When::IsNot("ttl", Shape::Words(&["pipe", "short-pipe"]))]).without(&["label_ttl"]),
        when([When::Lacks("out")]).with("entropy", Shape::Only(false.into())),
        when([When::Is("out", implicit_null())]).with("entropy", Shape::Only(false.into())),
    ]
}

/// No label, by itself or in a list.
fn implicit_null() -> Shape {
    let word = || Shape::Words(&["implicit-null"]);
    Shape::Any(vec![word(), Shape::List { of: Box::new(word()), least: 1, most: Some(1), differ: false }])
}

fn control_word() -> Key {
    key("control_word", Shape::Boolean, "Whether the pseudowire has a control word (RFC 4385).").default(false)
}

/// A port, and which of its frames.
fn attachment(title: &'static str) -> Table {
    let mut keys = vec![
        key("port", name(), "The port.").required().example("a"),
        key("untagged", Shape::Boolean, "Frames without a tag alone; without this and a VLAN all frames are meant.")
            .default(false),
    ];
    keys.extend(tag_keys());
    table(title, "", keys).rules([
        when([When::Has("vlan")]).without(&["outer", "inner"]),
        when([When::Has("inner")]).needs(&["outer"]),
        when([When::Has("tpid"), When::Lacks("vlan")]).needs(&["outer"]),
        when([When::Is("untagged", Shape::Only(true.into()))]).without(&["vlan", "outer", "inner"]),
    ])
}

fn tag_keys() -> Vec<Key> {
    vec![
        key("vlan", vid(), "The VLAN of frames with one tag.").example(10),
        key("outer", vid(), "The outer VLAN of frames with two tags.").example(110),
        key("inner", vid(), "The inner VLAN.").example(20),
        key(
            "tpid",
            tpid(&["0x8100", "0x88a8", "0x9100", "0x9200", "0x9300"], &[0x8100, 0x88a8, 0x9100, 0x9200, 0x9300]),
            "TPID of the outer tag.",
        )
        .default("0x8100"),
    ]
}

/// An entry of a port's `vlans`.
pub(super) fn vlan() -> Shape {
    let pair = table("a table in `vlans`", "", tag_keys())
        .rules([when([When::Lacks("vlan")]).needs(&["outer"]), when([When::Has("vlan")]).without(&["outer", "inner"])]);
    Shape::Any(vec![vid(), Shape::Words(&["any"]), pair.shape()])
}

/// A label that a router may assign (RFC 3032, RFC 7274).
fn label_value() -> Shape {
    integer(16..=1_048_575)
}

fn out() -> Shape {
    Shape::Any(vec![label_value(), Shape::Words(&["explicit-null", "ipv6-explicit-null", "implicit-null"])])
}

const OPERATIONS: &[&str] = &["swap", "pop", "pop-lookup", "pop-pseudowire"];
