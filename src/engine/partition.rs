//! Which thread runs which nodes: neighbours together, about as many nodes to each.

use super::network::Network;
use crate::id::NodeId;

/// Per thread, its nodes in the order in which it steps them. No thread is without a node.
///
/// Nodes are laid out in breadth-first order from the first, so that a run of them is a piece of the network with few
/// links to others; each thread takes a run.
pub fn partition(network: &Network, threads: usize) -> Vec<Vec<NodeId>> {
    let nodes = network.nodes.len();
    let mut order: Vec<usize> = Vec::with_capacity(nodes);
    let mut seen = vec![false; nodes];
    for root in 0..nodes {
        let mut next = order.len();
        if !std::mem::replace(&mut seen[root], true) {
            order.push(root);
        }
        while let Some(&node) = order.get(next) {
            next += 1;
            for link in network.links.iter().filter(|link| link.from.0.index() == node) {
                let to = link.to.0.index();
                if !std::mem::replace(&mut seen[to], true) {
                    order.push(to);
                }
            }
        }
    }
    let threads = threads.clamp(1, nodes.max(1));
    let start = |thread: usize| thread * nodes / threads;
    let run = |thread| order[start(thread)..start(thread + 1)].iter().map(|&node| NodeId(node as u16)).collect();
    (0..threads).map(run).collect()
}
