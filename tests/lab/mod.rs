//! Drills of presets with other streams and events, and what their reports say of control planes.
#![allow(dead_code)]

use crate::cmd::{biplane, figure, path};
use serde_json::Value;
use std::path::PathBuf;

pub(crate) const PS_PER_MS: i64 = 1_000_000_000;
pub(crate) const S: i64 = 1000 * PS_PER_MS;
/// From the table of routes to forwarding, as `[control]` has it where it says nothing.
pub(crate) const PROGRAMMING: i64 = 10 * PS_PER_MS;

/// A preset in a folder of its own, with other streams and events.
pub(crate) struct Lab {
    folder: tempfile::TempDir,
    text: String,
}

impl Lab {
    /// The preset `direct`.
    pub(crate) fn new(duration: &str, rate: &str, events: &str) -> Self {
        Lab::of("direct", duration, rate, events)
    }

    /// 64 flows each way between its first site and its network, each frame of 128 octets.
    pub(crate) fn of(preset: &str, duration: &str, rate: &str, events: &str) -> Self {
        let preset = biplane(&["new", preset]).ok().out;
        let (network, _) = preset.split_once("[[traffic]]").unwrap();
        let network = network.replace("duration = \"1s\"", &format!("duration = \"{duration}\""));
        let stream = |from: &str, to: &str| {
            format!("[[traffic]]\nfrom = \"{from}\"\nto = \"{to}\"\nflows = 64\nframe = 128\nrate = \"{rate}\"\n")
        };
        let text = [network, stream("hq", "prod"), stream("prod", "hq"), events.to_owned()].concat();
        Lab { folder: tempfile::tempdir().unwrap(), text }
    }

    /// The same with `to` for each `from` of the file.
    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{from}");
        self.text = self.text.replace(from, to);
        self
    }

    pub(crate) fn file(&self) -> PathBuf {
        let file = self.folder.path().join("drill.toml");
        std::fs::write(&file, &self.text).unwrap();
        file
    }

    /// The JSON report without what is of the machine.
    #[track_caller]
    pub(crate) fn drill(&self, args: &[&str]) -> Value {
        let file = self.file();
        let ran = biplane(&[&["drill", "--json", path(&file)], args].concat()).ok();
        let mut json: Value = serde_json::from_str(&ran.out).unwrap();
        json.as_object_mut().unwrap().remove("engine").unwrap();
        json
    }
}

/// Something that happens to the first link of the circuit.
pub(crate) fn event(what: &str, at: &str, more: &str) -> String {
    event_at("london.primary", what, at, more)
}

pub(crate) fn event_at(target: &str, what: &str, at: &str, more: &str) -> String {
    format!("[[event]]\ndo = \"{what}\"\ntarget = \"{target}\"\nat = \"{at}\"\n{more}\n")
}

/// What happened at a router from the start on: the kind of each event that `wanted` lets pass, with its time.
pub(crate) fn at<'j>(json: &'j Value, router: &str, wanted: impl Fn(&Value) -> bool) -> Vec<(i64, &'j Value)> {
    let events = json["control"]["events"].as_array().unwrap().iter();
    let here = events.filter(|event| event["router"] == router && event["at_ps"].as_i64().unwrap() >= 0);
    here.filter(|event| wanted(event)).map(|event| (event["at_ps"].as_i64().unwrap(), event)).collect()
}

/// When sessions of a protocol left the state in which they are up, and why.
pub(crate) fn downs<'j>(json: &'j Value, router: &str, protocol: &str) -> Vec<(i64, &'j str)> {
    let is_down = |event: &Value| {
        let left = ["Up", "Established"].iter().any(|up| event["from"] == *up);
        event["event"] == "session" && event["protocol"] == protocol && left
    };
    at(json, router, is_down).into_iter().map(|(at, event)| (at, event["why"].as_str().unwrap())).collect()
}

pub(crate) fn lost(json: &Value, stream: usize) -> u64 {
    figure(json, &format!("/streams/{stream}/lost"))
}

/// Both ends of a link find the hole of 1 s after it by BFD of 300 ms, three times: the last packet before it left up to 300 ms
/// before it, and was half a link away from there.
#[track_caller]
pub(crate) fn found_by_bfd(json: &Value, ends: [&str; 2], half_way: i64) {
    for router in ends {
        let downs = downs(json, router, "bfd");
        assert_eq!(downs.len(), 2, "both families: {downs:?}");
        for (at, why) in downs {
            let took = at - S;
            assert!(took > 600 * PS_PER_MS - half_way && took <= 900 * PS_PER_MS + 2 * half_way, "{took}");
            assert_eq!(why, "detection time expired");
        }
    }
}
