//! Made scenarios: who reaches whom is what the file says of circuits, planes and gateways.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Circuit {
    shares_first: bool,
    planes: [bool; 2],
}

#[derive(Clone, Debug)]
struct Site {
    edges: u8,
    circuits: Vec<Circuit>,
    /// Per gateway, the circuits that it is connected to, as bits; 0 stands for the first.
    gateways: Vec<u8>,
}

fn sites() -> impl Strategy<Value = Vec<Site>> {
    let circuit =
        (any::<bool>(), any::<[bool; 2]>()).prop_map(|(shares_first, planes)| Circuit { shares_first, planes });
    let site = (1u8..=2, prop::collection::vec(circuit, 1..4), prop::collection::vec(0u8..8, 1..3));
    prop::collection::vec(site.prop_map(|(edges, circuits, gateways)| Site { edges, circuits, gateways }), 1..3)
}

impl Site {
    /// Circuits of a gateway.
    fn circuits_of(&self, gateway: usize) -> Vec<usize> {
        let chosen: Vec<usize> = (0..self.circuits.len()).filter(|c| self.gateways[gateway] >> c & 1 == 1).collect();
        if chosen.is_empty() { vec![0] } else { chosen }
    }

    /// Whether a frame gets from the site to the network behind a gateway: one plane of one circuit is enough.
    fn reaches(&self, gateway: usize) -> bool {
        let planes = |circuit: usize| match self.circuits[circuit].shares_first && circuit > 0 {
            true => self.circuits[0].planes,
            false => self.circuits[circuit].planes,
        };
        self.circuits_of(gateway).into_iter().any(|circuit| planes(circuit).contains(&true))
    }
}

fn text(sites: &[Site]) -> String {
    let mut out = String::new();
    for (s, site) in sites.iter().enumerate() {
        out += &format!(
            "[site.s{s}]\nasn = {}\nprefixes = [\"10.{}.0.0/16\"]\nedges = {}\n",
            65001 + s,
            10 + s,
            site.edges
        );
        for (c, circuit) in site.circuits.iter().enumerate() {
            out += &format!("[circuit.s{s}c{c}]\nmodel = \"direct\"\nbandwidth = \"5G\"\ns_tag = {}\n", 100 + c);
            if circuit.shares_first && c > 0 {
                out += &format!("shares = \"s{s}c0\"\n");
            } else {
                let admin = circuit.planes.map(|up| if up { "enabled" } else { "disabled" });
                out += &format!(
                    "site = \"s{s}\"\nport = \"100G\"\nprimary = {{ admin = \"{}\" }}\nsecondary = {{ admin = \"{}\" }}\n",
                    admin[0], admin[1]
                );
            }
            out += &format!("[circuit.s{s}c{c}.private]\nc_tag = 7\nsubnets = \"172.16.{}.0/29\"\n", 10 * s + c);
        }
        for g in 0..site.gateways.len() {
            let circuits: Vec<String> = site.circuits_of(g).into_iter().map(|c| format!("\"s{s}c{c}\"")).collect();
            let n = 100 + 10 * s + g;
            out += &format!("[vnet.s{s}v{g}]\nprefixes = [\"10.{n}.0.0/16\"]\n");
            out += &format!(
                "[gateway.s{s}g{g}]\nsku = \"ErGw3Az\"\nvnets = [\"s{s}v{g}\"]\ncircuits = [{}]\n",
                circuits.join(", ")
            );
        }
    }
    out
}

pub(super) fn packets(from: [u8; 2], to: [u8; 2]) -> impl Iterator<Item = Vec<u8>> {
    (0..12u16).map(move |flow| {
        let mut octets = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([from[0], from[1], 1, 1], [to[0], to[1], 1, 1], 64);
        builder.udp(1000 + flow, 53).write(&mut octets, &[7; 30]).unwrap();
        octets
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_joined_is_reached_both_ways(sites in sites()) {
        let text = text(&sites);
        let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        for (s, site) in sites.iter().enumerate() {
            for g in 0..site.gateways.len() {
                let (here, there) = ([10, 10 + s as u8], [10, (100 + 10 * s + g) as u8]);
                let (site_name, vnet) = (format!("s{s}"), format!("s{s}v{g}"));
                let expected = if site.reaches(g) { 12 } else { 0 };
                let net = || compile(&scenario, CompileOptions::default()).unwrap();
                let trial = offer(net(), &site_name, packets(here, there));
                prop_assert_eq!(trial.delivered(&vnet), expected, "{} to {}\n{}\n{:?}", site_name, vnet, text, trial.drops());
                let trial = offer(net(), &vnet, packets(there, here));
                prop_assert_eq!(trial.delivered(&site_name), expected, "{} to {}\n{}", vnet, site_name, text);
            }
        }
    }
}
