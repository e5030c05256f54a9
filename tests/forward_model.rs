//! The datapath against the octet-level model: for arbitrary routers and frames both must do the same, octet for octet.

mod model;
mod translate;

use model::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use translate::{Translated, parse};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn the_datapath_does_what_the_model_does(router in routers::router(), octets in vec(frames::frame(), 1..30)) {
        let translated = Translated::new(&router);
        for octets in &octets {
            let hash = parse(octets, octets.len()).header.hash;
            for ingress in 0..routers::PORTS {
                let model = translated.model(&router, ingress, octets, hash);
                let real = translated.forward(ingress, octets, octets.len());
                prop_assert_eq!(&real, &model, "port {} {:02x?}", ingress, octets);
                let shared = translated.forward_shared(ingress, octets);
                prop_assert_eq!(&shared, &model, "shared, port {} {:02x?}", ingress, octets);
            }
        }
    }

    /// Zeros at the end of a frame may be left out of its body. Where that cuts a header, the frame is dropped
    /// (a tag that is cut is no tag: that is left out here).
    #[test]
    fn zeros_that_are_not_at_hand_are_there(
        router in routers::router(),
        octets in vec((frames::frame(), 0usize..30), 1..20),
    ) {
        let translated = Translated::new(&router);
        for (octets, zeros) in octets.iter().filter(|(octets, _)| octets.len() > 24) {
            let wire = octets.len() + zeros;
            let whole = [&octets[..], &vec![0; *zeros]].concat();
            let hash = parse(octets, wire).header.hash;
            let model = translated.model(&router, 0, &whole, hash);
            let real = translated.forward(0, octets, wire);
            let cut = ["not_ip", "ipv4_header", "ipv6_header", "label_stack_malformed", "payload_mismatch"];
            if !matches!(real, Outcome::Drop(reason) if cut.contains(&reason)) {
                prop_assert_eq!(real, model, "{} zeros behind {:02x?}", zeros, octets);
            }
        }
    }
}

/// The property above says nothing of what its frames and routers never reach: this counts what they do.
#[test]
fn the_generators_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..400 {
        let router = routers::router().new_tree(&mut runner).expect("a router").current();
        for _ in 0..50 {
            let octets = frames::frame().new_tree(&mut runner).expect("a frame").current();
            let name = match model::forward(&router, 0, &octets, 1, &|_| 0) {
                Outcome::Transmit { octets, .. } => format!("transmit {:02x}{:02x}", octets[12], octets[13]),
                Outcome::Punt(Punt::MtuExceeded(_)) => "punt mtu".to_owned(),
                Outcome::Punt(reason) => format!("punt {reason:?}"),
                Outcome::Drop(reason) => reason.to_owned(),
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    for name in "runt vid_reserved vlan_not_member untagged_not_accepted tagged_not_accepted unknown_tpid reserved_mac \
         arp llc not_ip ipv4_header ipv4_checksum ipv6_header multicast broadcast loopback link_local unspecified \
         no_route mtu_exceeded mpls_not_enabled unknown_label reserved_label implicit_null entropy_label \
         label_stack_malformed label_stack_depth payload_mismatch pseudowire_ach control_word"
        .split_whitespace()
        .chain(["punt Local", "punt TtlExpired", "punt MplsTtlExpired", "punt mtu"])
        .chain(["transmit 0800", "transmit 86dd", "transmit 8847", "transmit 8848", "transmit 8100", "transmit 88a8"])
    {
        assert!(seen.get(name).is_some_and(|&count| count >= 3), "{name} is hardly reached: {seen:#?}");
    }
}
