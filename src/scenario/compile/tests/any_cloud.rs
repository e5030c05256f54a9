//! Made scenarios of several sites, one gateway and joined circuits: who reaches whom is what the file says.

use super::any_scenario::packets;
use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Circuit {
    planes: [bool; 2],
    in_gateway: bool,
    weight: u16,
}

#[derive(Clone, Debug)]
struct World {
    /// Per site its edge routers and its circuits.
    sites: Vec<(u8, Vec<Circuit>)>,
    /// Joined circuits: (site, circuit) of each, modulo what there is.
    joined: Vec<[(usize, usize); 2]>,
    fastpath: bool,
}

fn worlds() -> impl Strategy<Value = World> {
    let circuit = (any::<[bool; 2]>(), any::<bool>(), 0u16..3).prop_map(|(planes, in_gateway, weight)| {
        // Most connections are there.
        Circuit { planes: [planes[0] || weight > 0, planes[1]], in_gateway, weight }
    });
    let sites = prop::collection::vec((1u8..=2, prop::collection::vec(circuit, 1..3)), 1..4);
    let joined = prop::collection::vec([(0usize..3, 0usize..2), (0usize..3, 0usize..2)], 0..4);
    (sites, joined, any::<bool>()).prop_map(|(mut sites, joined, fastpath)| {
        // A gateway has a circuit.
        sites[0].1[0].in_gateway = true;
        World { sites, joined, fastpath }
    })
}

impl World {
    /// The joined circuits, each two of different sites once.
    fn joints(&self) -> Vec<[(usize, usize); 2]> {
        let mut joints: Vec<[(usize, usize); 2]> = Vec::new();
        for pair in &self.joined {
            let mut pair = pair.map(|(site, circuit)| {
                let site = site % self.sites.len();
                (site, circuit % self.sites[site].1.len())
            });
            pair.sort_unstable();
            if pair[0].0 != pair[1].0 && !joints.contains(&pair) {
                joints.push(pair);
            }
        }
        joints
    }

    fn reaches_cloud(&self, site: usize) -> bool {
        self.sites[site].1.iter().any(|circuit| circuit.in_gateway && circuit.planes.contains(&true))
    }

    /// Whether some joint of two circuits of these sites has a plane that is whole.
    fn reaches(&self, a: usize, b: usize) -> bool {
        let whole = |ends: &[(usize, usize); 2]| {
            let [x, y] = ends.map(|(site, circuit)| self.sites[site].1[circuit].planes);
            (x[0] && y[0]) || (x[1] && y[1])
        };
        self.joints().iter().any(|ends| [(a, b), (b, a)].contains(&(ends[0].0, ends[1].0)) && whole(ends))
    }

    fn text(&self) -> String {
        let (mut out, mut connections) = (String::new(), Vec::new());
        for (s, (edges, circuits)) in self.sites.iter().enumerate() {
            let asn = 65001 + s;
            out += &format!("[site.s{s}]\nasn = {asn}\nprefixes = [\"10.{s}.0.0/16\"]\nedges = {edges}\n");
            for (c, circuit) in circuits.iter().enumerate() {
                let admin = circuit.planes.map(|up| if up { "enabled" } else { "disabled" });
                out += &format!(
                    "[circuit.s{s}c{c}]\nmodel = \"direct\"\nsite = \"s{s}\"\nport = \"100G\"\nbandwidth = \"5G\"\n\
                     s_tag = 100\nprimary = {{ admin = \"{}\" }}\nsecondary = {{ admin = \"{}\" }}\n\
                     [circuit.s{s}c{c}.private]\nc_tag = 7\nsubnets = \"172.16.{}.0/29\"\n",
                    admin[0],
                    admin[1],
                    10 * s + c
                );
                if circuit.in_gateway {
                    connections.push(format!("{{ name = \"s{s}c{c}\", weight = {} }}", circuit.weight));
                }
            }
        }
        for (n, [(s, c), (t, d)]) in self.joints().into_iter().enumerate() {
            out +=
                &format!("[[global_reach]]\ncircuits = [\"s{s}c{c}\", \"s{t}c{d}\"]\nsubnet = \"172.17.{n}.0/29\"\n");
        }
        out += "[vnet.hub]\nprefixes = [\"10.100.0.0/16\"]\n[vnet.spoke]\nprefixes = [\"10.101.0.0/16\"]\n";
        out += &format!(
            "peered_with = \"hub\"\n[gateway.gw]\nsku = \"ErGw3Az\"\nvnets = [\"hub\"]\nfastpath = {}\n\
             circuits = [{}]\n",
            self.fastpath,
            connections.join(", ")
        );
        out
    }
}

/// Offers packets between all places of a world, in a network of its own for each two; what is said of it must hold.
fn judge(world: &World, text: &str, net: impl Fn() -> Compiled) -> Result<(), TestCaseError> {
    let sites = || (0..world.sites.len()).map(|site| (format!("s{site}"), [10, site as u8], Some(site)));
    let networks = [("hub".to_owned(), [10, 100], None), ("spoke".to_owned(), [10, 101], None)];
    let places: Vec<_> = sites().chain(networks).collect();
    for (from, from_net, a) in &places {
        for (to, to_net, b) in places.iter().filter(|(to, ..)| to != from) {
            let expected = match (*a, *b) {
                (Some(a), Some(b)) => world.reaches(a, b),
                (Some(site), None) | (None, Some(site)) => world.reaches_cloud(site),
                (None, None) => true,
            };
            let trial = offer(net(), from, packets(*from_net, *to_net));
            let source = &trial.outcome.sources[0];
            let (delivered, all, drops) = (trial.delivered(to), source.offered.frames, trial.drops());
            prop_assert_eq!(delivered, if expected { all } else { 0 }, "{} to {}\n{}\n{:?}", from, to, text, drops);
            if !expected {
                prop_assert_eq!(source.delivered, 0, "{} to {}: somewhere else\n{}", from, to, text);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whoever_is_joined_reaches_the_other_and_nobody_else(world in worlds()) {
        let text = world.text();
        let scenario = Scenario::parse(&text, "made").unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
        judge(&world, &text, || compile(&scenario, CompileOptions::default()).unwrap())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The same where sessions bring the routes.
    #[test]
    fn sessions_join_whom_the_file_joins_and_nobody_else(world in worlds()) {
        let text = world.text();
        let scenario = Scenario::parse(&text, "made").unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
        let options = CompileOptions {
            unrouted: Unrouted::Drop,
            sessions: crate::scenario::Sessions::Live,
            ..CompileOptions::default()
        };
        judge(&world, &text, || {
            let mut net = compile(&scenario, options).unwrap();
            net.network.control_until = Some(net.begin + Span::from_s(1));
            net
        })?;
    }
}
