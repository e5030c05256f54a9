//! What the values of good scenario files come to mean.

mod event;

use std::collections::BTreeSet;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::table::{Payload, TtlModel, VlanKey};
use crate::time::{PortSpeed, Span};
use crate::traffic::stream::{FrameSizes, Layer, Rate};

fn good(text: &str) -> Scenario {
    Scenario::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

/// The preset `name` with `from` replaced by `to`, which must be there.
fn preset(name: &str, changes: &[(&str, &str)]) -> Result<Scenario, Diagnostics> {
    let mut text = presets().iter().find(|preset| preset.name == name).unwrap().text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Scenario::parse(&text, name)
}

#[test]
fn the_direct_preset_means_what_it_says() {
    let scenario = Scenario::load("direct").unwrap();
    assert_eq!((scenario.seed, scenario.duration), (1, Some(Span::from_s(1))));
    let settings = Settings { punt_delay: Span::from_us(20), mtu: 1500, icmp: true, hash_seed: None };
    assert_eq!(scenario.settings, settings);
    let [site] = &scenario.sites[..] else { panic!() };
    assert_eq!((site.name.as_str(), site.asn.value, site.edges), ("hq", 65010, 1));
    assert_eq!(site.prefixes.iter().map(|p| p.to_string()).collect::<Vec<_>>(), ["10.10.0.0/16", "fd10:10::/32"]);
    assert_eq!(site.lan, Lan { port: PortSpeed::G100, delay: Span::from_us(5) });
    let [pair] = &scenario.pairs[..] else { panic!() };
    assert_eq!(pair.encapsulation, Encapsulation::Qinq { outer_tpid: 0x8100 });
    assert_eq!((pair.port, pair.locations[1].as_str(), pair.queues), (PortSpeed::G100, "London", 2));
    assert_eq!(pair.buffer_octets, 10 << 20, "1 MiB for each 10 Gb/s");
    let link = (Admin::Enabled, Span::from_ms(1), 0);
    assert_eq!([pair.primary, pair.secondary].map(|l| (l.admin, l.delay.value, l.loss_ppb)), [link; 2]);
    let [circuit] = &scenario.circuits[..] else { panic!() };
    assert_eq!((circuit.bandwidth_bps.value, circuit.pair, circuit.rate_limit), (10_000_000_000, PairId(0), None));
    assert_eq!(circuit.s_tag.map(|tag| tag.get()), Some(110));
    let private = circuit.private.as_ref().unwrap();
    assert_eq!(private.c_tag.get(), 20);
    let ends =
        |link: LinkAddresses<std::net::Ipv4Addr>| format!("{} {}/{}", link.customer, link.microsoft, link.prefix_len);
    assert_eq!(ends(private.v4.primary), "192.168.100.129 192.168.100.130/30");
    assert_eq!(ends(private.v4.secondary), "192.168.100.133 192.168.100.134/30");
    let six = private.v6.unwrap();
    assert_eq!(
        (six.primary.customer.to_string(), six.secondary.microsoft.to_string()),
        ("2001:db8:ff::1".into(), "2001:db8:ff::6".into())
    );
    assert_eq!(private.bfd, Some(Bfd { interval: Span::from_ms(300), multiplier: 3 }));
    assert_eq!(private.bgp, Bgp::default());
    let [gateway] = &scenario.gateways[..] else { panic!() };
    assert_eq!((gateway.sku, gateway.delay), (Sku::ErGw3Az, Span::from_us(250)));
    assert_eq!((gateway.vnets[0].value, gateway.circuits[0].value), (VnetId(0), CircuitId(0)));
}

#[test]
fn one_link_may_differ_from_the_other() {
    let text = (
        "[circuit.london.secondary]\nadmin = \"enabled\"",
        "[circuit.london.secondary]\nadmin = \"disabled\"\ndelay = \"2ms\"\nloss = \"0.5%\"",
    );
    let pair = &preset("direct", &[text]).unwrap().pairs[0];
    assert_eq!(
        (pair.primary.admin, pair.primary.delay.value, pair.primary.loss_ppb),
        (Admin::Enabled, Span::from_ms(1), 0)
    );
    let secondary = pair.secondary;
    assert_eq!(
        (secondary.admin, secondary.delay.value, secondary.loss_ppb),
        (Admin::Disabled, Span::from_ms(2), 5_000_000)
    );
}

#[test]
fn a_rate_limit_has_a_burst_of_five_milliseconds_unless_said() {
    let on = preset("direct", &[("rate_limit = false", "rate_limit = true")]).unwrap();
    assert_eq!(
        on.circuits[0].rate_limit,
        Some(RateLimit { burst_octets: 6_250_000, tolerance_ppb: 200_000_000 }),
        "10 Gb/s for 5 ms"
    );
    let said = preset("direct", &[("rate_limit = false", "rate_limit = true\nburst = \"1MiB\"")]).unwrap();
    assert_eq!(said.circuits[0].rate_limit, Some(RateLimit { burst_octets: 1 << 20, tolerance_ppb: 200_000_000 }));
}

#[test]
fn circuits_share_a_port_pair_in_any_order_of_the_file() {
    let second = "\n[circuit.paris]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"5G\"\ns_tag = 111\n\n[circuit.london]";
    let both = ("circuits = [\"london\"]", "circuits = [\"london\", \"paris\"]");
    let scenario = preset("direct", &[("\n[circuit.london]", second), both]).unwrap();
    assert_eq!(scenario.pairs.len(), 1);
    let names: Vec<_> = scenario.circuits.iter().map(|c| (c.name.as_str(), c.pair)).collect();
    assert_eq!(names, [("paris", PairId(0)), ("london", PairId(0))]);
    assert_eq!(scenario.gateways[0].circuits.iter().map(|c| c.value).collect::<Vec<_>>(), [CircuitId(1), CircuitId(0)]);
}

#[test]
fn streams_mean_what_they_say() {
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nrate = \"2.5Gbps\"\n\
                   [[traffic]]\nname = \"six\"\nfrom = \"prod\"\nto = \"hq\"\nfamily = \"ipv6\"\nflows = 9\n\
                   frame = [{ octets = 66, weight = 3 }, { octets = 1518 }]\nrate = \"5%\"\ndscp = \"AF41\"\n\
                   prefix_to = \"fd10:10:0:7::/64\"\nbegin = \"200ms\"\nend = \"400ms\"\n\
                   [[traffic]]\nname = \"fast\"\nfrom = \"hq\"\nto = \"prod\"\nframe = 512\nrate = \"1.5Mpps\"\n";
    let preset = presets().iter().find(|preset| preset.name == "direct").unwrap().text;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let scenario = good(&format!("{network}{traffic}"));
    let names: Vec<_> = scenario.traffic.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["hq to prod", "six", "fast"]);
    let run = |place| scenario.stream(place, Span::from_ms(300)).unwrap();
    let ends = |spec: &StreamSpec| [spec.from.first(), spec.from.last(), spec.to.first()].map(|ip| ip.to_string());
    let first = run(0);
    assert_eq!(ends(&first), ["10.10.0.1", "10.10.255.254", "10.20.0.1"], "all hosts of the first prefixes");
    assert_eq!((first.flows, first.sizes.clone(), first.traffic_class), (1, FrameSizes::Imix, 0));
    assert_eq!(first.rate, Rate::Bits(2_500_000_000, Layer::Packet));
    assert_eq!((first.begin.as_ps(), first.end.map(|end| end.as_ps())), (0, Some(300_000_000_000)));
    let six = run(1);
    assert_eq!(ends(&six), ["fd10:20::", "fd10:20:ffff:ffff:ffff:ffff:ffff:ffff", "fd10:10:0:7::"]);
    assert_eq!((six.flows, six.traffic_class), (9, 34 << 2));
    assert_eq!(six.sizes, FrameSizes::Weighted(vec![(66, 3), (1518, 1)]));
    let share = crate::traffic::schedule::Ratio::new(1, 20).unwrap();
    assert_eq!(six.rate, Rate::Line(PortSpeed::G400, share), "of a port of the virtual network");
    assert_eq!((six.begin.as_ps(), six.end.map(|end| end.as_ps())), (200_000_000_000, Some(300_000_000_000)));
    assert_eq!((run(2).rate, run(2).sizes.clone()), (Rate::Frames(1_500_000), FrameSizes::One(512)));
    assert_eq!(scenario.stream(1, Span::from_ms(200)), None, "the run ends before it begins");
    let seeds: BTreeSet<u64> = (0..3).map(|place| run(place).seed).collect();
    assert_eq!(seeds.len(), 3, "each stream draws its own orders");
}

/// RFC 4271 §4.4: keepalives come at a third of the hold time, so that a shorter hold time brings its own.
#[test]
fn a_shorter_hold_time_brings_its_own_keepalive() {
    let scenario = preset("direct", &[("keepalive = \"60s\", hold = \"180s\"", "hold = \"30s\"")]).unwrap();
    let bgp = &scenario.circuits[0].private.as_ref().unwrap().bgp;
    assert_eq!((bgp.keepalive, bgp.hold), (Span::from_s(10), Span::from_s(30)));
}

/// EXPRESSROUTE: FAQ. Microsoft's edge has 60 and 180 seconds, and a session takes the lower of the two ends.
#[test]
fn a_session_takes_the_lower_timers() {
    for (written, keepalive, hold) in [
        ("", 60, 180),
        ("bgp = { keepalive = \"3s\", hold = \"10s\" }", 3, 10),
        ("bgp = { hold = \"60s\" }", 20, 60),
        ("bgp = { keepalive = \"20s\" }", 20, 180),
        ("bgp = { keepalive = \"100s\", hold = \"300s\" }", 60, 180),
        ("bgp = { hold = \"300s\" }", 60, 180),
    ] {
        let scenario = preset("direct", &[("bgp = { keepalive = \"60s\", hold = \"180s\" }", written)]).unwrap();
        let bgp = &scenario.circuits[0].private.as_ref().unwrap().bgp;
        let timers = (bgp.keepalive, bgp.hold);
        assert_eq!(timers, (Span::from_s(keepalive), Span::from_s(hold)), "{written}");
    }
}

/// One value is of both links; in a table each link has its own, and the other what holds without the key.
#[test]
fn routes_are_told_for_each_plane() {
    let written = "bgp = { coupled = false, mrai = \"5s\", connect_retry = \"10s\", prepend = 2, local_pref = { primary = 200 }, \
                   med = { secondary = 7 }, communities = [\"65010:2\", \"64999:1\"] }";
    let scenario = preset("direct", &[("bgp = { keepalive = \"60s\", hold = \"180s\" }", written)]).unwrap();
    let bgp = &scenario.circuits[0].private.as_ref().unwrap().bgp;
    let expected = Bgp {
        coupled: false,
        mrai: Span::from_s(5),
        connect_retry: Span::from_s(10),
        prepend: PerPlane { primary: 2, secondary: 2 },
        local_pref: PerPlane { primary: 200, secondary: 100 },
        med: PerPlane { primary: None, secondary: Some(7) },
        communities: vec![64999 << 16 | 1, 65010 << 16 | 2],
        ..Bgp::default()
    };
    assert_eq!(*bgp, expected);
    assert_eq!(Plane::BOTH.map(|plane| *bgp.local_pref.of(plane)), [200, 100]);
}

#[test]
fn bfd_is_off_in_either_word() {
    for word in ["false", "\"off\""] {
        let changes = [("bfd = { interval = \"300ms\", multiplier = 3 }", &format!("bfd = {word}")[..])];
        assert_eq!(preset("direct", &changes).unwrap().circuits[0].private.as_ref().unwrap().bfd, None, "{word}");
    }
}

/// A port pair says how its ports take loss of signal, or `[control]` does for all.
#[test]
fn control_planes_have_settings() {
    assert_eq!(Scenario::load("direct").unwrap().control, Control::default());
    let control = "[control]\nsessions = \"static\"\nsettle = \"0s\"\nprogramming_delay = \"0ms\"\n\
                   programming_per_prefix = \"3us\"\ncarrier_delay = \"10ms\"\ncarrier_up_delay = \"2s\"\n\
                   resilient_hashing = true\narp_age = \"1min\"\n\n[settings]";
    let changes = [("[settings]", control), ("queues = 2 ", "carrier_up_delay = \"1s\"\nqueues = 2 ")];
    let scenario = preset("direct", &changes).unwrap();
    let expected = Control {
        sessions: Sessions::Static,
        settle: Span::ZERO,
        programming_delay: Span::ZERO,
        programming_per_prefix: Span::from_us(3),
        carrier: crate::control::CarrierSpec { down_delay: Span::from_ms(10), up_delay: Span::from_s(2) },
        resilient_hashing: true,
        arp_age: Span::from_s(60),
    };
    assert_eq!(scenario.control, expected);
    let of_pair = crate::control::CarrierSpec { down_delay: Span::from_ms(10), up_delay: Span::from_s(1) };
    assert_eq!(scenario.pairs[0].carrier_delay, of_pair);
}

#[test]
fn the_lsr_preset_means_what_it_says() {
    let scenario = Scenario::load("lsr").unwrap();
    let [router] = &scenario.routers[..] else { panic!() };
    assert_eq!(router.ports.iter().map(|p| (p.name.as_str(), p.mtu)).collect::<Vec<_>>(), [("a", 9216), ("b", 9216)]);
    let entry = |label: u32| &router.labels.iter().find(|entry| entry.label.get() == label).unwrap().op;
    let LabelOp::Swap(hop) = entry(101) else { panic!() };
    assert_eq!(hop.push.iter().map(|label| label.get()).collect::<Vec<_>>(), [300, 201]);
    assert_eq!((hop.entropy, hop.tags), (false, EgressTags::Keep));
    assert_eq!(hop.ports.iter().map(|port| port.value).collect::<Vec<_>>(), [RouterPortId(1)]);
    let LabelOp::Swap(hop) = entry(102) else { panic!() };
    assert_eq!(hop.push, [OutLabel::ExplicitNull]);
    assert!(matches!(entry(104), LabelOp::Pop { payload: Payload::Ipv6, .. }));
    assert!(matches!(entry(106), LabelOp::PopLookup(TtlModel::Uniform)));
    let LabelOp::PopPseudowire { to, control_word: false } = entry(107) else { panic!() };
    assert_eq!((to.port.value, to.key), (RouterPortId(0), VlanKey::Single(30)));
    let [join] = &router.cross_connects[..] else { panic!() };
    assert_eq!((join.from.key, join.to.key, join.to.tpid), (VlanKey::Single(10), VlanKey::Single(110), 0x88a8));
    assert!(join.both_ways && !join.filter_reserved);
    let [wire] = &router.pseudowires[..] else { panic!() };
    assert_eq!(wire.hop.push.iter().map(|label| label.get()).collect::<Vec<_>>(), [400, 500]);
    assert_eq!(
        (wire.label.map(|label| label.get()), wire.control_word, wire.hop.tags),
        (Some(501), true, EgressTags::Strip)
    );
    assert_eq!(router.routes.iter().filter(|route| route.hop.entropy).count(), 1);
}

#[test]
fn a_swap_to_implicit_null_is_a_pop() {
    let text = "[router.r]\nrole = \"lsr\"\nports = { a = { speed = \"10G\" } }\n[[router.r.label]]\nin = 16\ndo = \"swap\"\n\
                out = \"implicit-null\"\npayload = \"ipv4\"\nnext = \"a\"\ntags = { outer = 7, inner = 8, tpid = 0x88a8 }\n";
    let scenario = good(text);
    let LabelOp::Pop { payload: Payload::Ipv4, hop } = &scenario.routers[0].labels[0].op else { panic!() };
    let EgressTags::Push(tags) = hop.tags else { panic!() };
    assert_eq!((hop.push.len(), tags.outer.get(), tags.inner.map(|vid| vid.get()), tags.tpid), (0, 7, Some(8), 0x88a8));
}

#[test]
fn attachments_mean_a_port_its_untagged_frames_or_a_vlan() {
    let text = "[router.r]\nrole = \"lsr\"\nports = { a = { speed = \"10G\" }, b = { speed = \"10G\" } }\n\
                [[router.r.cross_connect]]\nfrom = { port = \"a\" }\nto = { port = \"b\", untagged = true }\n\
                [[router.r.cross_connect]]\nfrom = { port = \"a\", outer = 5 }\nto = { port = \"b\", outer = 5, inner = 6 }\n";
    let joined = &good(text).routers[0].cross_connects;
    let keys: Vec<_> = joined.iter().flat_map(|join| [join.from.key, join.to.key]).collect();
    assert_eq!(keys, [VlanKey::Any, VlanKey::Untagged, VlanKey::Single(5), VlanKey::Double(5, 6)]);
}

/// A file of one mistake many times over is refused in bounded time and space.
#[test]
fn a_flood_of_errors_is_kept_to_a_bound() {
    let flood = Scenario::parse(&"[[router.r.label]]\nin = 1\n".repeat(5_000), "flood.toml").unwrap_err();
    assert_eq!(flood.errors(), diagnostic::MOST_KEPT);
    assert!(flood.render(false).ends_with("1000 errors in flood.toml, and perhaps more\n"));
}

/// The places of values are those of their text: what later messages point at.
#[test]
fn values_know_where_they_are_written() {
    let scenario = Scenario::load("direct").unwrap();
    let text = |place: Extent| &scenario.source().text()[place.start..place.end];
    assert_eq!(text(scenario.circuits[0].bandwidth_bps.at), "\"10G\"");
    assert_eq!(text(scenario.circuits[0].name.at), "london");
    assert_eq!(text(scenario.sites[0].prefixes[1].at), "\"fd10:10::/32\"");
    assert_eq!(text(scenario.gateways[0].circuits[0].at), "\"london\"");
}

fn nets() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((any::<u8>(), 0u8..=6), 1..12)
}

fn net((bits, length): (u8, u8)) -> IpNet {
    let net = ipnet::Ipv4Net::new(std::net::Ipv4Addr::new(11, bits, 0, 0), 8 + length).unwrap();
    IpNet::V4(net.trunc())
}

proptest! {
    /// Whether ranges overlap is what comparing each with each other says.
    #[test]
    fn overlaps_are_found_as_by_comparing_all_pairs(a in nets(), b in nets()) {
        let (a, b): (Vec<_>, Vec<_>) = (a.into_iter().map(net).collect(), b.into_iter().map(net).collect());
        let all: Vec<(usize, IpNet)> = a.iter().map(|n| (0, *n)).chain(b.iter().map(|n| (1, *n))).collect();
        let expected = all.iter().enumerate().any(|(i, x)| all[..i].iter().any(|y| x.1.contains(&y.1) || y.1.contains(&x.1)));
        let list = |nets: &[IpNet]| nets.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "[router.r]\nrole = \"lsr\"\nports = {{ a = {{ speed = \"10G\" }} }}\n[vnet.x]\nprefixes = [{}]\n[vnet.y]\nprefixes = [{}]\n",
            list(&a), list(&b)
        );
        prop_assert_eq!(Scenario::parse(&text, "t").is_err(), expected, "{}", text);
    }

    /// Of the numbers 0 to 4095 those are VLANs that IEEE 802.1Q says; tags that come twice are found.
    #[test]
    fn tags_are_vlans_and_differ(tags in prop::collection::vec(0u16..=4100, 1..5)) {
        let mut text = presets()[1].text.replace("circuits = [\"london\"]", "circuits = [\"london\"]\n");
        for (place, tag) in tags.iter().enumerate() {
            text.push_str(&format!(
                "[circuit.c{place}]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"1G\"\n[circuit.c{place}.private]\nc_tag = {tag}\nsubnets = \"172.16.{place}.0/29\"\n"
            ));
        }
        let different: BTreeSet<u16> = tags.iter().copied().chain([20]).collect();
        let expected = tags.iter().all(|tag| (1..=4094).contains(tag)) && different.len() == tags.len() + 1;
        prop_assert_eq!(Scenario::parse(&text, "t").is_ok(), expected, "{:?}", tags);
    }
}
