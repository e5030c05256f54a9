//! Which thread runs which nodes: loads as equal as can be, then as little as can be from one thread to another.
//!
//! What a node has to do follows from what its links can bring it; what really flows is known only by running.

use super::network::{Network, Role};
use crate::id::NodeId;
use std::fmt::Write;

/// What a host offers at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The host.
    pub host: NodeId,
    /// Bits in a second, by all its ports together.
    pub rate_bps: u64,
}

/// The nodes of each thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// One for each thread; none is without a node.
    pub teams: Vec<Team>,
}

/// The nodes of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Team {
    /// In the order in which the thread steps them.
    pub nodes: Vec<NodeId>,
    /// What they take and offer: bits in a second.
    pub load_bps: u64,
    /// What comes to them from other threads: bits in a second.
    pub crossing_bps: u64,
}

impl Partition {
    /// A line for each thread: its nodes, its share of the load, and how much of that comes from other threads.
    pub fn describe(&self, network: &Network) -> String {
        let percent = |part: u64, all: u64| (u128::from(part) * 100 + u128::from(all / 2)) / u128::from(all.max(1));
        let all = self.teams.iter().map(|team| team.load_bps).sum();
        let mut out = String::new();
        for (team, place) in self.teams.iter().zip(1..) {
            let names: Vec<_> = team.nodes.iter().map(|node| network.nodes[node.index()].name.as_str()).collect();
            let (threads, names) = (self.teams.len(), names.join(" "));
            let (share, crossing) = (percent(team.load_bps, all), percent(team.crossing_bps, team.load_bps));
            let _ = writeln!(
                out,
                "thread {place} of {threads}: {names}: {share} % of the load, {crossing} % of that from other threads"
            );
        }
        out
    }
}

/// Spreads the nodes of `network` over `threads` threads, one node each at least.
///
/// With `offers`, what comes of them is followed through the network; without any, each link is taken to be full. The
/// greatest load of a thread comes first, what crosses from thread to thread second. Loads are estimates, so that an
/// eighth over the mean is as good as the mean, as long as giving about as many nodes to each thread is no better. The
/// same network and offers give the same threads.
pub fn partition(network: &Network, offers: &[Offer], threads: usize) -> Partition {
    let graph = Graph::new(network, offers);
    let nodes = graph.load.len();
    let threads = threads.clamp(1, nodes.max(1));
    // Nodes in a row, neighbours close to each other: a run of them is a piece of the network with few links to others.
    let rows = (0..nodes.min(MOST_ROWS)).map(|first| graph.row(first));
    let near = graph.near(threads);
    let cut = rows.map(|row| {
        let split = graph.cut(&row, threads);
        (Weighed::new(&graph, split.clone(), threads, near).cost(), row, split)
    });
    let Some((_, row, mut split)) = cut.min_by_key(|(cost, ..)| *cost) else {
        return Partition { teams: vec![Team::default()] };
    };
    for _ in 0..MOST_PASSES {
        if !graph.improve(&mut split, threads, near) {
            break;
        }
    }
    let mut teams = vec![Team::default(); threads];
    for &node in &row {
        let team = &mut teams[split[node]];
        team.nodes.push(NodeId(node as u16));
        team.load_bps += graph.load[node];
    }
    for edge in graph.edges.iter().filter(|edge| split[edge.from] != split[edge.to]) {
        let team = &mut teams[split[edge.to]];
        team.crossing_bps += edge.flow;
    }
    // In the order of their first nodes in the row, whatever was moved.
    let place = |team: &Team| row.iter().position(|node| Some(*node) == team.nodes.first().map(|id| id.index()));
    teams.sort_by_key(place);
    Partition { teams }
}

/// What all links of a node carry away at the most.
fn speed_of(network: &Network, node: NodeId) -> u64 {
    let links = network.links.iter().filter(|link| link.from.0 == node);
    links.map(|link| network.port(link.from).speed.bps()).sum()
}

/// Rounds of following flows.
const MOST_ROUNDS: usize = 64;
/// Rows that are tried, each from another node.
const MOST_ROWS: usize = 64;
/// Passes of moving nodes, moves of one pass, and nodes looked at for them.
const MOST_PASSES: usize = 8;
const MOST_MOVES: usize = 128;
const MOST_LOOKS: usize = 1 << 18;

/// The thread of each node.
type Split = Vec<usize>;

/// What is to be little: the greatest load of a thread, as far as it is over what is near enough; all that crosses; the
/// greatest load.
type Cost = (u64, u64, u64);

struct Edge {
    from: usize,
    to: usize,
    /// Bits in a second.
    flow: u64,
}

/// The network as loads and flows.
struct Graph {
    edges: Vec<Edge>,
    /// Per node, its edges.
    of_node: Vec<Vec<usize>>,
    load: Vec<u64>,
}

impl Graph {
    fn new(network: &Network, offers: &[Offer]) -> Self {
        let edges = network.links.iter().map(|link| {
            let flow = network.port(link.from).speed.bps();
            Edge { from: link.from.0.index(), to: link.to.0.index(), flow }
        });
        let nodes = network.nodes.len();
        let mut graph = Graph { edges: edges.collect(), of_node: vec![Vec::new(); nodes], load: vec![0; nodes] };
        for (place, edge) in graph.edges.iter().enumerate() {
            graph.of_node[edge.from].push(place);
            graph.of_node[edge.to].push(place);
        }
        let mut offered = vec![0u64; nodes];
        for Offer { host, rate_bps } in offers {
            let sum = &mut offered[host.index()];
            *sum = sum.saturating_add(*rate_bps).min(speed_of(network, *host));
        }
        if !offers.is_empty() {
            let hosts: Vec<_> = network.nodes.iter().map(|node| matches!(node.role, Role::Host)).collect();
            graph.follow(&offered, &hosts);
        }
        // A frame that a host makes is as much work as one that arrives.
        for (node, offered) in offered.into_iter().enumerate() {
            let arrives = graph.of_node[node].iter().map(|&edge| &graph.edges[edge]).filter(|edge| edge.to == node);
            graph.load[node] = arrives.fold(offered, |sum, edge| sum + edge.flow);
        }
        graph
    }

    /// Makes the flows what comes of the offers, if a node sends what it takes to all its other neighbours in equal
    /// shares, each link up to its speed, and hosts keep what they take.
    fn follow(&mut self, offered: &[u64], hosts: &[bool]) {
        let from =
            |node: usize| self.of_node[node].iter().map(|&edge| &self.edges[edge]).filter(move |e| e.from == node);
        let ways = |node: usize, not_to: usize| from(node).filter(|edge| edge.to != not_to).count() as u64;
        let own: Vec<u64> = self.edges.iter().map(|e| offered[e.from] / from(e.from).count() as u64).collect();
        let onward: Vec<u64> = self.edges.iter().map(|edge| ways(edge.to, edge.from)).collect();
        let mut flows: Vec<u64> = own.iter().zip(&self.edges).map(|(own, edge)| *own.min(&edge.flow)).collect();
        // As often as what is offered on one side needs to come to the other.
        for _ in 0..hosts.len().min(MOST_ROUNDS) {
            let brought = self.edges.iter().zip(&own).map(|(edge, own)| {
                let into = self.of_node[edge.from].iter().filter(|&&into| {
                    let into = &self.edges[into];
                    !hosts[edge.from] && into.to == edge.from && into.from != edge.to
                });
                let sum = into.fold(*own, |sum, &into| sum + flows[into] / onward[into].max(1));
                sum.min(edge.flow)
            });
            let brought: Vec<u64> = brought.collect();
            if brought == flows {
                break;
            }
            flows = brought;
        }
        self.edges.iter_mut().zip(flows).for_each(|(edge, flow)| edge.flow = flow);
    }

    /// A greatest load that is near enough to the least: an eighth over the mean, and neither over what threads with about
    /// as many nodes have, nor over the mean and the heaviest node.
    fn near(&self, threads: usize) -> u64 {
        let row = if self.load.is_empty() { Vec::new() } else { self.row(0) };
        let start = |thread| thread * row.len() / threads;
        let run = |thread| row[start(thread)..start(thread + 1)].iter().map(|&node| self.load[node]).sum();
        let even: u64 = (0..threads).map(run).max().unwrap_or(0);
        let mean = self.load.iter().sum::<u64>() / threads as u64;
        even.min(mean + (mean / 8).min(self.load.iter().copied().max().unwrap_or(0)))
    }

    /// All nodes, breadth first from `first`; then from the first node not reached, and so on.
    fn row(&self, first: usize) -> Vec<usize> {
        let nodes = self.load.len();
        let (mut row, mut seen) = (Vec::with_capacity(nodes), vec![false; nodes]);
        for root in std::iter::once(first).chain(0..nodes) {
            let mut next = row.len();
            if !std::mem::replace(&mut seen[root], true) {
                row.push(root);
            }
            while let Some(&node) = row.get(next) {
                next += 1;
                for edge in self.of_node[node].iter().map(|&edge| &self.edges[edge]).filter(|edge| edge.from == node) {
                    if !std::mem::replace(&mut seen[edge.to], true) {
                        row.push(edge.to);
                    }
                }
            }
        }
        row
    }

    /// Cuts a row into `threads` runs so that the heaviest is as light as a run of this row can be.
    fn cut(&self, row: &[usize], threads: usize) -> Split {
        let total = row.iter().map(|&node| self.load[node]).sum::<u64>();
        let (mut low, mut high) = (row.iter().map(|&node| self.load[node]).max().unwrap_or(0), total);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.runs(row, threads, middle) {
                Some(_) => high = middle,
                None => low = middle + 1,
            }
        }
        self.runs(row, threads, high).expect("all nodes together are no heavier than all nodes")
    }

    /// Runs of at most `most`, each as long as can be while every later one gets a node; `None` if they do not hold all.
    fn runs(&self, row: &[usize], threads: usize, most: u64) -> Option<Split> {
        let mut split = vec![0; row.len()];
        let (mut thread, mut sum) = (0, 0u64);
        for (place, &node) in row.iter().enumerate() {
            let left = row.len() - place;
            let is_full = sum + self.load[node] > most;
            if place > 0 && (is_full || left < threads - thread) {
                thread += 1;
                sum = 0;
            }
            if thread == threads {
                return None;
            }
            sum += self.load[node];
            split[node] = thread;
        }
        Some(split)
    }

    /// One pass after Kernighan and Lin: nodes are moved one after another, each once and to where the cost is then
    /// least, be it higher than before; what counts is the best point on that way. Whether it is better than the start.
    fn improve(&self, split: &mut Split, threads: usize, near: u64) -> bool {
        let mut now = Weighed::new(self, split.clone(), threads, near);
        let mut moved = vec![false; split.len()];
        let (mut best, mut is_better) = (now.cost(), false);
        for _ in 0..MOST_MOVES.min(MOST_LOOKS / split.len()) {
            let free = (0..split.len()).filter(|&node| !moved[node] && now.sizes[now.split[node]] > 1);
            let ways = free.flat_map(|node| (0..threads).map(move |thread| (node, thread)));
            let ways = ways.filter(|&(node, thread)| thread != now.split[node]);
            let Some((cost, node, thread)) = ways.map(|(node, thread)| (now.cost_if(node, thread), node, thread)).min()
            else {
                break;
            };
            now.put(node, thread);
            moved[node] = true;
            if cost < best {
                (best, is_better) = (cost, true);
                split.clone_from(&now.split);
            }
        }
        is_better
    }
}

/// A split with what it costs.
struct Weighed<'a> {
    graph: &'a Graph,
    split: Split,
    sizes: Vec<usize>,
    loads: Vec<u64>,
    crossing: u64,
    /// The greatest load that is near enough.
    near: u64,
}

impl<'a> Weighed<'a> {
    fn new(graph: &'a Graph, split: Split, threads: usize, near: u64) -> Self {
        let (mut sizes, mut loads) = (vec![0; threads], vec![0; threads]);
        for (&thread, load) in split.iter().zip(&graph.load) {
            sizes[thread] += 1;
            loads[thread] += load;
        }
        let crossing = graph.edges.iter().filter(|edge| split[edge.from] != split[edge.to]).map(|edge| edge.flow).sum();
        Weighed { graph, split, sizes, loads, crossing, near }
    }

    fn cost(&self) -> Cost {
        let most = self.loads.iter().copied().max().unwrap_or(0);
        (most.max(self.near), self.crossing, most)
    }

    /// What crosses if `node` is put into `thread`.
    fn crossing_if(&self, node: usize, thread: usize) -> u64 {
        let home = self.split[node];
        self.graph.of_node[node].iter().map(|&edge| &self.graph.edges[edge]).fold(self.crossing, |sum, edge| {
            let other = self.split[if edge.from == node { edge.to } else { edge.from }];
            match (edge.from == edge.to, other == home, other == thread) {
                (false, true, _) => sum + edge.flow,
                (false, _, true) => sum - edge.flow,
                _ => sum,
            }
        })
    }

    fn cost_if(&self, node: usize, thread: usize) -> Cost {
        let (home, load) = (self.split[node], self.graph.load[node]);
        let loads = self.loads.iter().enumerate().map(|(place, &sum)| match place {
            _ if place == home => sum - load,
            _ if place == thread => sum + load,
            _ => sum,
        });
        let most = loads.max().unwrap_or(0);
        (most.max(self.near), self.crossing_if(node, thread), most)
    }

    fn put(&mut self, node: usize, thread: usize) {
        self.crossing = self.crossing_if(node, thread);
        let home = std::mem::replace(&mut self.split[node], thread);
        self.sizes[home] -= 1;
        self.sizes[thread] += 1;
        self.loads[home] -= self.graph.load[node];
        self.loads[thread] += self.graph.load[node];
    }
}
