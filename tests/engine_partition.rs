//! The spread of nodes over threads: every node once, no thread without one, loads as equal as can be.

mod nets;

use biplane::cli::bench::network::{Loaded, direct, six_node};
use biplane::engine::{Network, Offer, Partition, Role, Run, Source, partition};
use biplane::id::{NodeId, PortId};
use biplane::port::PortSpec;
use biplane::time::{PortSpeed, Span};
use biplane::traffic::stream::{AddressRange, FrameSizes, Rate, StreamSpec};
use nets::{Shape, Wires};
use proptest::prelude::*;

/// A network of hosts alone: what they are does not matter without offers.
fn hosts(wires: &[(u16, u16, PortSpeed)], nodes: u16) -> Network {
    let mut network = Network::default();
    for node in 0..nodes {
        let of_node = wires.iter().filter(|&&(a, b, _)| a == node || b == node);
        let ports = of_node.map(|&(.., speed)| PortSpec::new("port", speed)).collect();
        network.add(format!("n{node}"), Role::Host, ports);
    }
    let mut used = vec![0; usize::from(nodes)];
    for &(a, b, _) in wires {
        let [a, b] = [a, b].map(|node| {
            used[usize::from(node)] += 1;
            (NodeId(node), PortId(used[usize::from(node)] - 1))
        });
        network.join(a, b, Span::from_us(1));
    }
    network
}

/// What the links bring each node.
fn loads(network: &Network) -> Vec<u64> {
    let mut loads = vec![0; network.nodes.len()];
    network.links.iter().for_each(|link| loads[link.to.0.index()] += network.port(link.from).speed.bps());
    loads
}

/// All nodes breadth first from the first of each piece.
fn breadth_first(network: &Network) -> Vec<usize> {
    let mut row: Vec<usize> = Vec::new();
    for root in 0..network.nodes.len() {
        let mut next = row.len();
        if !row.contains(&root) {
            row.push(root);
        }
        while let Some(&node) = row.get(next) {
            next += 1;
            for link in network.links.iter().filter(|link| link.from.0.index() == node) {
                if !row.contains(&link.to.0.index()) {
                    row.push(link.to.0.index());
                }
            }
        }
    }
    row
}

/// The greatest load of a thread if each gets about as many nodes of that row.
fn even_cut(network: &Network, threads: usize) -> u64 {
    let (row, loads) = (breadth_first(network), loads(network));
    let start = |thread| thread * row.len() / threads;
    let load = |thread| row[start(thread)..start(thread + 1)].iter().map(|&node| loads[node]).sum();
    (0..threads).map(load).max().unwrap()
}

/// What holds for any spread; the greatest load.
fn hold(network: &Network, found: &Partition, threads: usize) -> u64 {
    assert_eq!(found.teams.len(), threads.min(network.nodes.len()));
    assert!(found.teams.iter().all(|team| !team.nodes.is_empty()), "a thread is without a node: {found:?}");
    let mut nodes: Vec<_> = found.teams.iter().flat_map(|team| &team.nodes).map(|node| node.index()).collect();
    nodes.sort_unstable();
    assert!(nodes.into_iter().eq(0..network.nodes.len()), "not every node once: {found:?}");
    found.teams.iter().map(|team| team.load_bps).max().unwrap()
}

fn any_network() -> impl Strategy<Value = Network> {
    let speed = prop::sample::select(vec![PortSpeed::G10, PortSpeed::G25, PortSpeed::G100, PortSpeed::G400]);
    (1..24u16).prop_flat_map(move |nodes| {
        let wires = prop::collection::vec((0..nodes, 0..nodes, speed.clone()), 0..40);
        wires.prop_map(move |mut wires| {
            wires.retain(|(a, b, _)| a != b);
            hosts(&wires, nodes)
        })
    })
}

proptest! {
    #[test]
    fn loads_are_as_equal_as_can_be(network in any_network(), threads in 1..9usize) {
        let found = partition(&network, &[], threads);
        let most = hold(&network, &found, threads);
        let (loads, threads) = (loads(&network), found.teams.len());
        for team in &found.teams {
            prop_assert_eq!(team.load_bps, team.nodes.iter().map(|node| loads[node.index()]).sum::<u64>());
        }
        let (sum, heaviest) = (loads.iter().sum::<u64>(), loads.iter().max().unwrap());
        prop_assert!(most <= even_cut(&network, threads), "worse than about as many nodes to each: {found:?}");
        prop_assert!(most <= sum / threads as u64 + heaviest);
        prop_assert_eq!(partition(&network, &[], threads), found);
    }

    /// With offers the loads are another sum, and no link is taken to carry more than it can.
    #[test]
    fn offers_are_followed(
        seed in 0..1000u64,
        routers in 2..9u16,
        wires in prop::sample::select(vec![Wires::Chords, Wires::Ring, Wires::Star, Wires::Mesh]),
        rates in prop::collection::vec(0..200_000_000_000u64, 1..9),
        threads in 1..6usize,
    ) {
        let shape = Shape { seed, routers, wires, ..Shape::default() };
        let network = nets::network(shape);
        let offers = shape.hosts().zip(rates).map(|((host, _), rate_bps)| Offer { host, rate_bps });
        let offers: Vec<_> = offers.collect();
        let found = partition(&network, &offers, threads);
        hold(&network, &found, threads);
        let offered: u64 = offers.iter().map(|offer| offer.rate_bps.min(100_000_000_000)).sum();
        let full: u64 = loads(&network).iter().sum();
        let load: u64 = found.teams.iter().map(|team| team.load_bps).sum();
        prop_assert!(load >= offered && load <= full + offered, "{load}, {offered} offered, {full} if full");
        prop_assert_eq!(partition(&network, &offers, threads), found);
    }
}

fn names(loaded: &Loaded, threads: usize) -> Vec<Vec<&str>> {
    let network = &loaded.network;
    let found = Run { threads, ..Run::new(network, loaded.sources(0)) }.partition();
    let teams = found.teams.into_iter();
    teams.map(|team| team.nodes.iter().map(|node| network.nodes[node.index()].name.as_str()).collect()).collect()
}

#[test]
fn a_row_is_cut_in_the_middle() {
    let loaded = six_node(&FrameSizes::One(64), 1).unwrap();
    let found = names(&loaded, 2);
    assert_eq!(found, [["host-a", "ce-a", "pe-a", "p1"], ["p2", "pe-b", "ce-b", "host-b"]]);
    let found = Run { threads: 2, ..Run::new(&loaded.network, loaded.sources(0)) }.partition();
    let told = found.describe(&loaded.network);
    // Each of the eight nodes has as much to do, and half of what p1 has comes from p2.
    let line = "thread 1 of 2: host-a ce-a pe-a p1: 50 % of the load, 13 % of that from other threads\n";
    assert!(told.starts_with(line), "{told}");
}

#[test]
fn the_planes_of_a_circuit_are_parted() {
    let loaded = direct(&FrameSizes::One(64), 1).unwrap();
    let found = names(&loaded, 2);
    assert_eq!(found, [["hq", "hq-ce1", "london-msee1"], ["london-msee2", "gw", "prod"]]);
}

/// Two rows that nothing joins, given in turns: a thread for each, and nothing crosses, though one end would do as well.
#[test]
fn what_is_joined_stays_together() {
    let speed = PortSpeed::G100;
    let wires = [(0, 2, speed), (2, 4, speed), (4, 6, speed), (1, 3, speed), (3, 5, speed), (5, 7, speed)];
    let found = partition(&hosts(&wires, 8), &[], 2);
    let nodes: Vec<Vec<_>> = found.teams.iter().map(|team| team.nodes.iter().map(|node| node.0).collect()).collect();
    assert_eq!(nodes, [[0, 2, 4, 6], [1, 3, 5, 7]]);
    assert!(found.teams.iter().all(|team| team.crossing_bps == 0));
}

/// Of three pairs one has twice the frames of another, in fewer bits: it gets a thread of its own.
#[test]
fn frames_count_and_not_their_octets() {
    let speed = PortSpeed::G100;
    let mut network = hosts(&[(0, 1, speed), (2, 3, speed), (4, 5, speed)], 6);
    let range = |net: &str| AddressRange::hosts_of(net.parse().unwrap());
    let mut source = |node, octets, rate| {
        let (from, to) = (range("10.1.0.0/16"), range("10.2.0.0/16"));
        let spec = StreamSpec::new(from, to, 1, FrameSizes::One(octets), Rate::Frames(rate));
        let spec = StreamSpec { frames: Some(1), ..spec };
        (NodeId(node), Source::Stream(Box::new(spec.generator(&mut network.templates).unwrap())))
    };
    let sources = vec![source(0, 1500, 1_000_000), source(2, 64, 2_000_000), source(4, 1500, 1_000_000)];
    let found = Run { threads: 2, ..Run::new(&network, sources) }.partition();
    let nodes: Vec<Vec<_>> = found.teams.iter().map(|team| team.nodes.iter().map(|node| node.0).collect()).collect();
    assert_eq!(nodes, [vec![2, 3], vec![0, 1, 4, 5]]);
    assert!(found.teams.iter().all(|team| team.load_bps == 2 * 2_000_000 * 8 * 84), "offered and taken: {found:?}");
}

/// A heavy node alone weighs as much as many light ones.
#[test]
fn a_heavy_node_has_a_thread_to_itself() {
    let wires: Vec<_> = (1..7).map(|leaf| (0, leaf, PortSpeed::G100)).collect();
    let found = partition(&hosts(&wires, 7), &[], 2);
    assert_eq!(found.teams[0].nodes, [NodeId(0)]);
    assert_eq!(found.teams[0].load_bps, found.teams[1].load_bps);
}
