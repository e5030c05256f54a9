//! The schema of scenario files against the reader: which keys there are, what both refuse, what neither does.

mod schema;

use biplane::scenario::{Diagnostics, Scenario, Severity};
use schema::{Step, changed, files, good, json, nodes, places, schemas_at, stem, tables};
use std::collections::{BTreeMap, BTreeSet};
use toml::Value as Toml;

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema::schema()).unwrap()
}

fn read(tree: &Toml) -> Result<Scenario, Diagnostics> {
    Scenario::parse(&toml::to_string(tree).unwrap(), "changed.toml")
}

/// What the schema says against `tree`.
fn said(validator: &jsonschema::Validator, tree: &Toml) -> Vec<String> {
    let tree = json(tree);
    validator.iter_errors(&tree).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_is_one_of_its_draft() {
    let schema = schema::schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap();
}

/// What an editor shows beside a key is there, and is true of it.
#[test]
fn every_key_is_described_and_its_examples_pass() {
    let schema = schema::schema();
    let mut keys = 0;
    nodes(&schema, &mut |node| {
        if let Some(properties) = node["properties"].as_object() {
            assert_eq!(node["additionalProperties"], false, "{node}");
            for (key, shape) in properties {
                let about = shape["description"].as_str().unwrap_or_default();
                assert!(about.ends_with('.') && about.len() > 8, "{key}: {about}");
                let examples = shape["examples"].as_array().into_iter().flatten().chain(shape.get("default"));
                let validator = jsonschema::draft202012::new(shape).unwrap();
                examples.for_each(|example| assert!(validator.is_valid(example), "{key} = {example}"));
                keys += 1;
            }
        }
    });
    assert!(keys > 150, "{keys}");
}

/// What is said to hold where a key is absent does so: written or not, the scenario is the same.
#[test]
fn defaults_are_the_readers() {
    let schema = schema::schema();
    let mut tried = BTreeSet::new();
    for (name, tree) in good() {
        for place in places(&tree) {
            for known in
                schemas_at(&schema, &place).into_iter().filter_map(|schema| schema.get("properties")?.as_object())
            {
                for (key, shape) in known {
                    let Some(default) = shape.get("default").map(|value| Toml::try_from(value).unwrap()) else {
                        continue;
                    };
                    let without =
                        changed(&tree, &place, |table| drop(table.as_table_mut().and_then(|table| table.remove(key))));
                    let with = changed(&without, &place, |table| {
                        table.as_table_mut().map(|table| table.insert(key.clone(), default.clone()));
                    });
                    // Some keys have no place beside others, and some of the others need this one.
                    let (Ok(without), Ok(with)) = (read(&without), read(&with)) else { continue };
                    assert_eq!(
                        meaning(&with),
                        meaning(&without),
                        "{name}: {}: {key} = {default}",
                        schema::text(&place)
                    );
                    tried.insert((shape["description"].as_str().unwrap(), key));
                }
            }
        }
    }
    let mut untried = Vec::new();
    nodes(&schema, &mut |node| {
        let keys =
            node["properties"].as_object().into_iter().flatten().filter(|(_, shape)| shape.get("default").is_some());
        untried.extend(
            keys.filter(|(key, shape)| !tried.contains(&(shape["description"].as_str().unwrap(), key)))
                .map(|(key, _)| key),
        );
    });
    assert_eq!(untried, [""; 0], "no good scenario has a place for these");
}

/// All that a scenario means, without where it is written.
fn meaning(scenario: &Scenario) -> String {
    let Scenario { name, seed, duration, settings, sites, pairs, providers, circuits, vnets, gateways, .. } = scenario;
    let cloud =
        format!("{name} {seed} {duration:?} {settings:?} {sites:?} {pairs:?} {circuits:?} {vnets:?} {gateways:?}");
    let providers: Vec<_> = providers.iter().map(|provider| (&provider.name, &provider.nni, &provider.core)).collect();
    let all = format!(
        "{cloud} {:?} {providers:?} {:?} {:?} {:?}",
        scenario.control,
        scenario.global_reaches,
        (&scenario.routers, &scenario.services),
        (&scenario.traffic, &scenario.events)
    );
    let mut parts = all.split("Extent {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |meaning, part| meaning + part.split_once('}').map_or("", |(_, rest)| rest))
}

#[test]
fn good_scenarios_pass() {
    let validator = validator();
    for (name, tree) in good() {
        assert_eq!(said(&validator, &tree), [""; 0], "{name}");
    }
}

/// Bad scenarios whose faults no schema sees, each with what it would have to look at.
const NOT_SEEN: &[(&str, &str)] = &[
    ("attachment-tpid-not-read", "another table's TPIDs"),
    ("attachments-twice", "one frame, two services"),
    ("bandwidth-not-sold", "amounts"),
    ("bgp-keepalive-after-hold", "amounts"),
    ("bgp-waits", "amounts"),
    ("c-tag-twice-dot1q", "two tables"),
    ("circuits-of-one-location", "references"),
    ("customer-c-tag-the-same", "two keys"),
    ("customer-c-tag-twice", "two tables"),
    ("delay-too-short", "amounts"),
    ("empty", "a file that has yet to be written"),
    ("event-names-twice", "names"),
    ("event-target-link-unknown", "references"),
    ("event-target-of-exchange", "references"),
    ("event-target-parallel-links", "references"),
    ("event-target-unknown", "references"),
    ("event-way-of-another-target", "references"),
    ("gateway-burst-too-short", "amounts"),
    ("gateway-names-twice", "names"),
    ("gateway-too-many-circuits", "a count that depends on the SKU"),
    ("global-reach-circuits", "references"),
    ("global-reach-geos", "two tables"),
    ("global-reach-local", "two tables"),
    ("global-reach-overlap", "addresses"),
    ("graph-edge-missing", "references"),
    ("graph-edge-unknown", "references"),
    ("graph-in-pieces", "a graph"),
    ("graph-unknown-router", "references"),
    ("internet-no-nat-of-site", "whether prefixes are public"),
    ("internet-one-address-two-edges", "two keys"),
    ("ipvpn-site-unknown", "references"),
    ("label-twice", "two tables"),
    ("links-over-10", "references"),
    ("loss-over-all", "amounts"),
    ("microsoft-asn", "two tables"),
    ("microsoft-c-tag-dot1q", "two tables"),
    ("microsoft-no-nat", "two tables"),
    ("microsoft-overlap", "addresses"),
    ("microsoft-pool-and-prefixes", "addresses"),
    ("microsoft-pool-of-internet", "addresses"),
    ("microsoft-private-prefixes", "addresses"),
    ("microsoft-private-subnets", "addresses"),
    ("microsoft-same-c-tag", "two tables"),
    ("nothing-to-emulate", "a file that has yet to be written"),
    ("overlap-in-one-list", "addresses"),
    ("overlap-peering-and-vnet", "addresses"),
    ("overlap-peerings", "addresses"),
    ("overlap-site-and-vnet", "addresses"),
    ("overlap-vnet-holds-site", "addresses"),
    ("overlap-vnets", "addresses"),
    ("pair-oversubscribed", "amounts"),
    ("prefix-host-bits", "addresses"),
    ("prefixes-over-4000", "a count that depends on the SKU"),
    ("provider-bandwidth", "amounts"),
    ("provider-unknown", "references"),
    ("reference-to-nothing", "references"),
    ("reference-unknown", "references"),
    ("routes-twice", "two tables"),
    ("s-tag-twice", "two tables"),
    ("service-private", "addresses"),
    ("site-of-the-providers-number", "two tables"),
    ("sku-local-other-region", "two tables"),
    ("sku-standard-other-geo", "two tables"),
    ("stream-between-services", "references"),
    ("stream-from-service-to-nobody", "references"),
    ("stream-to-service-without-way", "references"),
    ("traffic-end-unknown", "references"),
    ("traffic-family-missing", "addresses"),
    ("traffic-family-none-in-common", "addresses"),
    ("traffic-frame-weights", "amounts"),
    ("traffic-imix-of-ipv6", "sizes that depend on the family"),
    ("traffic-of-routers", "references"),
    ("traffic-prefix-default-route", "addresses"),
    ("traffic-prefix-outside", "addresses"),
    ("traffic-rate-over-line", "amounts"),
    ("traffic-to-itself", "references"),
    ("traffic-without-gateway", "references"),
    ("unit-too-fine", "amounts"),
    ("unit-too-large", "amounts"),
    ("vnet-peering", "references"),
];

#[test]
fn bad_scenarios_are_refused_but_for_these() {
    let validator = validator();
    let trees = files("bad").into_iter().filter_map(|path| {
        // What is no TOML is refused before any schema.
        Some((stem(&path), std::fs::read_to_string(&path).unwrap().parse::<toml::Table>().ok()?))
    });
    let passed: Vec<String> = trees
        .filter(|(_, tree)| said(&validator, &Toml::Table(tree.clone())).is_empty())
        .map(|(name, _)| name)
        .collect();
    let expected: Vec<&str> = NOT_SEEN.iter().map(|(name, _)| *name).collect();
    assert_eq!(passed, expected, "the files that pass are not those that the list has");
}

/// A key that no table has, and that is like none.
const NO_KEY: &str = "qqqqqqqqqqqqqqqq";

/// The title with `NAME` for each name: `[[router.lsr.label]]` is `[[router.NAME.label]]`.
fn without_names(title: &str) -> String {
    let Some((before, path)) = title.split_once('[') else { return title.to_owned() };
    let opening = path.len() - path.trim_start_matches('[').len();
    let steps = path.trim_matches(['[', ']']).split('.').enumerate();
    let steps: Vec<&str> = steps.map(|(place, step)| if place % 2 == 1 { "NAME" } else { step }).collect();
    format!("{before}{}{}{}", "[".repeat(opening + 1), steps.join("."), "]".repeat(opening + 1))
}

/// Per table, by its title, the keys that the reader asks for: it lists them to whoever writes another one.
fn asked() -> BTreeMap<String, BTreeSet<String>> {
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, tree) in good() {
        let tables = places(&tree).into_iter().filter(|place| schema::at(&mut tree.clone(), place).is_table());
        for place in tables {
            let changed = changed(&tree, &place, |table| {
                table.as_table_mut().unwrap().insert(NO_KEY.into(), 1.into());
            });
            let Err(errors) = read(&changed) else { panic!("an unknown key is taken in {}", schema::text(&place)) };
            for error in errors.iter() {
                let Some((title, _)) = error.message.split_once(&format!(" has no key `{NO_KEY}`")) else { continue };
                let keys = error.remedy.split('`').skip(1).step_by(2).map(str::to_owned);
                asked.entry(without_names(title)).or_default().extend(keys);
            }
        }
    }
    asked
}

#[test]
fn the_keys_that_the_reader_asks_for_are_those_of_the_schema() {
    let mut known = tables(&schema::schema());
    let root = known.remove("biplane scenario").unwrap();
    known.insert("the file".into(), root);
    let mut wrong = Vec::new();
    for (title, keys) in &asked() {
        let Some(known) = known.remove(title) else {
            wrong.push(format!("the reader reads a table {title}, which src/scenario/schema does not have"));
            continue;
        };
        wrong.extend(
            keys.difference(&known)
                .map(|key| format!("the reader asks for `{key}` in {title}: add it to src/scenario/schema")),
        );
        wrong.extend(known.difference(keys).map(|key| {
            format!("src/scenario/schema has `{key}` in {title}, which no reading of the good scenarios asks for")
        }));
    }
    wrong.extend(
        known
            .keys()
            .map(|title| format!("no good scenario has a table {title}: write one into tests/scenarios/schema")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values that come close: at the ends of ranges, of other types, in units of other kinds.
fn values() -> Vec<Toml> {
    let integers = [
        -1, 0, 1, 2, 3, 5, 8, 9, 15, 16, 17, 40, 41, 63, 64, 128, 255, 256, 1279, 1280, 4094, 4095, 9216, 9217, 12_076,
    ]
    .into_iter()
    .chain([
        16_383,
        16_384,
        16_385,
        23_456,
        32_000,
        32_001,
        65_514,
        65_515,
        65_520,
        65_521,
        65_535,
        65_536,
        65_537,
        1 << 20,
    ])
    .chain([(1 << 20) + 1, (1 << 32) - 2, (1 << 32) - 1, 1 << 32, 0x88a8, 0x9300, 0x9400, i64::MAX]);
    let texts = [
        "",
        "hq",
        "-x",
        "two words",
        "10G",
        "7G",
        "10 gbit/s",
        "1_0G",
        "10GBps",
        "0.1T",
        "300ms",
        "300 MS",
        "5%",
        "1.5Mpps",
        "64 octets",
        "64",
        "10.10.0.0/16",
        "10.10.0.0/33",
        "10.0.0.1",
        "256.0.0.0/8",
        "10.0.0.0/29",
        "fd10::/32",
        "fd10::/125",
        "fd10::/129",
        "0x88A8",
        "0x9200",
        "0x88a9",
        "false",
        "imix",
        "dot1q",
        "EF",
        "implicit-null",
        "line\nfeed",
    ];
    let lists = ["[]", "[\"hq\"]", "[20]", "[20, 21]", "[20, 21, 22]", "[20, 20]", "[\"implicit-null\"]", "[{}]", "{}"];
    let others = [Toml::Boolean(false), Toml::Boolean(true), Toml::Float(1.5)];
    let texts = texts.into_iter().map(Toml::from);
    integers.map(Toml::Integer).chain(texts).chain(lists.iter().map(parsed)).chain(others).collect()
}

fn parsed(text: &&str) -> Toml {
    format!("x = {text}").parse::<toml::Table>().unwrap()["x"].clone()
}

/// Small changes of the good scenarios: each key taken away, and given other values, words and examples of the schema
/// among them. What was changed, and the scenario.
fn changes() -> Vec<(String, Toml)> {
    let schema = schema::schema();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (name, tree) in good() {
        for place in places(&tree) {
            let Some((last, parent)) = place.split_last() else { continue };
            let Step::Key(key) = last else { continue };
            let mut copy = tree.clone();
            let table = schema::at(&mut copy, parent).as_table().unwrap();
            // One of each kind is enough: the same key beside the same keys, with a value of the same type.
            let kind = parent.iter().map(|step| matches!(step, Step::Item(_))).collect::<Vec<_>>();
            let beside: Vec<(&String, &str)> = table.iter().map(|(key, value)| (key, value.type_str())).collect();
            if !seen.insert(format!("{kind:?} {key} {beside:?}")) {
                continue;
            }
            let what = |change: &str| format!("{name}: {}: {change}", schema::text(&place));
            all.push((
                what("taken away"),
                changed(&tree, parent, |table| drop(table.as_table_mut().unwrap().remove(key))),
            ));
            let own = schemas_at(&schema, &place).into_iter().flat_map(said_values);
            for value in values().into_iter().chain(own).chain(told_values(&tree, &place)) {
                all.push((what(&value.to_string()), changed(&tree, &place, |old| *old = value)));
            }
        }
    }
    all
}

/// Words, and integers at the ends of ranges, that the reader tells whoever writes another one.
fn told_values(tree: &Toml, place: &[Step]) -> Vec<Toml> {
    let told = |value: Toml, label: &str, remedy: fn(&str) -> Vec<Toml>| {
        let errors = read(&changed(tree, place, |old| *old = value)).err();
        let of_label = errors.iter().flat_map(|errors| errors.iter()).filter(|error| error.label == label);
        of_label.flat_map(|error| remedy(&error.remedy)).collect::<Vec<_>>()
    };
    let words = |remedy: &str| remedy.split('"').skip(1).step_by(2).map(Toml::from).collect();
    let ends = |remedy: &str| remedy.split(' ').filter_map(|word| word.parse().ok()).map(Toml::Integer).collect();
    [told(NO_KEY.into(), "no such word", words), told((-1).into(), "out of range", ends)].concat()
}

/// Words, defaults and examples of a schema, and integers at the ends of its range and beyond.
fn said_values(schema: &serde_json::Value) -> Vec<Toml> {
    let lists = ["enum", "examples"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    let single = ["const", "default"].into_iter().filter_map(|word| schema.get(word));
    let bounds = [("minimum", -1), ("minimum", 0), ("maximum", 0), ("maximum", 1)];
    let bounds =
        bounds.into_iter().filter_map(|(word, step)| Some(Toml::Integer(schema[word].as_i64()?.checked_add(step)?)));
    lists.chain(single).map(|value| Toml::try_from(value).unwrap()).chain(bounds).collect()
}

/// Each table of the good scenarios with one more key that the schema has there.
fn additions() -> Vec<(String, Toml)> {
    let schema = schema::schema();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (name, tree) in good() {
        for place in places(&tree) {
            let mut copy = tree.clone();
            let Some(table) = schema::at(&mut copy, &place).as_table() else { continue };
            // The same keys, the same words: what rules look at.
            let words: Vec<_> =
                table.iter().map(|(key, value)| (key, value.as_str().filter(|_| RULING.contains(&&key[..])))).collect();
            let known = schemas_at(&schema, &place).into_iter().filter(|schema| schema.get("properties").is_some());
            for (key, shape) in known.flat_map(|schema| schema["properties"].as_object().unwrap()) {
                if table.contains_key(key) || !seen.insert(format!("{} {words:?} {key}", place.len())) {
                    continue;
                }
                let mut values: Vec<Toml> = said_values(shape);
                values.extend(schemas_at(shape, &[]).into_iter().flat_map(said_values));
                values.extend(
                    ["{}", "[]", "[{}]", "true", "false", "\"hq\"", "\"a\"", "\"300ms\"", "7"].iter().map(parsed),
                );
                let what = |value: &Toml| format!("{name}: {}: {key} = {value} added", schema::text(&place));
                let added = |value: Toml| {
                    changed(&tree, &place, |table| drop(table.as_table_mut().unwrap().insert(key.clone(), value)))
                };
                all.extend(values.into_iter().map(|value| (what(&value), added(value))));
            }
        }
    }
    all
}

/// Keys whose words say which others there are.
const RULING: [&str; 8] = ["model", "encapsulation", "do", "sku", "ttl", "out", "fibre", "detection"];

/// Whether the reader refuses a scenario for what a schema can see of a value: its type, its range if it is an integer,
/// its word, its unit, or that it is missing, unknown or of no use beside others.
fn is_of_form(errors: &Diagnostics) -> bool {
    // `changed.toml` is 3, out of range
    let integer = |message: &str| message.split(" is ").nth(1)?.split(',').next()?.parse::<i128>().ok();
    // A warning beside them refuses nothing.
    errors.iter().filter(|error| error.severity == Severity::Error).any(|error| match error.label.as_str() {
        // What another table says.
        "" if ["nothing to emulate", "does not read"].iter().any(|what| error.message.contains(what)) => false,
        "" | "unknown key" | "no such word" | "not a prefix" | "no VLAN" | "not a label" | "not an ordinary label" => {
            true
        }
        "not here" | "not with this SKU" | "not with this rate" | "without effect" | "nothing to go beneath" => true,
        "at least one" | "at least one port" | "at least one label" | "one too many" | "one or two" | "two" => true,
        "and a VLAN" | "not yours" | "wrong family" | "not the right size" | "not possible here" => true,
        "out of range" => integer(&error.message).is_some(),
        // Another circuit says whether one that shares its ports needs a tag.
        "`s_tag` is missing" => false,
        label => label.starts_with("this is ") || label.ends_with(" is missing"),
    })
}

#[test]
fn schema_and_reader_agree_on_small_changes() {
    let validator = validator();
    let (mut wrong, mut counts) = (Vec::new(), [0; 4]);
    for (what, tree) in changes().into_iter().chain(additions()) {
        let (said, read) = (said(&validator, &tree), read(&tree));
        counts[2 * usize::from(said.is_empty()) + usize::from(read.is_ok())] += 1;
        match read {
            Ok(_) if !said.is_empty() => {
                wrong.push(format!("{what} is good, and the schema refuses it: {}", said.join("; ")))
            }
            Err(errors) if said.is_empty() && is_of_form(&errors) => {
                wrong.push(format!("{what} passes the schema, and the reader refuses it: {errors}"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {counts:?}:\n{}", wrong.len(), wrong.join("\n"));
    let [refused, refused_alone, passed_alone, passed] = counts;
    assert!(refused > 40_000 && refused_alone == 0 && passed_alone > 1_000 && passed > 5_000, "{counts:?}");
}
