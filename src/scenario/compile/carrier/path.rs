//! Paths through a provider's graph: the shortest, and one that shares no router or no link with it.

use crate::control::protection::{Path, Topology};
use crate::id::NodeId;

/// A label-switched path between two provider edges (RFC 3031 §3.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsp {
    /// The name of the provider; those of its routers begin with it and a hyphen.
    pub provider: String,
    /// The routers of the primary path, ends included.
    pub primary: Vec<NodeId>,
    /// Those of a path that could take over, if there is one.
    pub backup: Option<(Vec<NodeId>, Disjoint)>,
}

/// What a backup path has not in common with the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disjoint {
    /// No router but the ends.
    Nodes,
    /// No link.
    Links,
}

/// The shortest path between two routers, and one beside it: without its routers if there is one, else without its
/// links. Where the shortest path has none beside it and other two paths are apart, the shorter of these two is the
/// primary one: the two that are shortest together (after Suurballe).
pub(super) fn paths(graph: &Topology, from: usize, to: usize) -> Option<(Path, Option<(Path, Disjoint)>)> {
    let primary = graph.shortest(from, to, |_, _| false)?;
    for disjoint in [Disjoint::Nodes, Disjoint::Links] {
        let inner = &primary.routers[1..primary.routers.len().max(2) - 1];
        let shares_router = |router: usize| disjoint == Disjoint::Nodes && inner.contains(&router);
        let beside = graph.shortest(from, to, |router, link| shares_router(router) || primary.links.contains(&link));
        if let Some(beside) = beside {
            return Some((primary, Some((beside, disjoint))));
        }
        if let Some([shorter, longer]) = Flow::new(graph, from, to, disjoint).two_paths() {
            return Some((shorter, Some((longer, disjoint))));
        }
    }
    Some((primary, None))
}

/// Two units that flow from one router to another at the least cost: two paths that are apart. Each router is two points,
/// one that is come to and one that is left, with an arc between them that carries one unit.
struct Flow {
    arcs: Vec<Arc>,
    points: usize,
    from: usize,
    to: usize,
}

/// An arc and, right behind it, its reverse.
#[derive(Clone, Copy)]
struct Arc {
    from: usize,
    to: usize,
    cost: i64,
    /// Units that it can still carry.
    room: u8,
    link: Option<usize>,
}

impl Flow {
    fn new(graph: &Topology, from: usize, to: usize, disjoint: Disjoint) -> Self {
        let points = 2 * graph.routers();
        let mut flow = Flow { arcs: Vec::new(), points, from: 2 * from, to: 2 * to + 1 };
        for router in 0..graph.routers() {
            let room = match disjoint {
                _ if router == from || router == to => 2,
                _ if !graph.is_transit(router) => 0,
                Disjoint::Nodes => 1,
                Disjoint::Links => 2,
            };
            flow.arc(2 * router, 2 * router + 1, 0, room, None);
            for &(next, link, metric) in graph.edges(router) {
                flow.arc(2 * router + 1, 2 * next, metric.into(), 1, Some(link));
            }
        }
        flow
    }

    fn arc(&mut self, from: usize, to: usize, cost: i64, room: u8, link: Option<usize>) {
        self.arcs.push(Arc { from, to, cost, room, link });
        self.arcs.push(Arc { from: to, to: from, cost: -cost, room: 0, link });
    }

    /// One unit more, by the cheapest way that is left; whether there was one.
    fn augment(&mut self) -> bool {
        let mut cost = vec![i64::MAX; self.points];
        let mut before = vec![None; self.points];
        cost[self.from] = 0;
        for _ in 0..self.points {
            for (place, arc) in self.arcs.iter().enumerate() {
                if arc.room > 0 && cost[arc.from] < i64::MAX && cost[arc.from] + arc.cost < cost[arc.to] {
                    cost[arc.to] = cost[arc.from] + arc.cost;
                    before[arc.to] = Some(place);
                }
            }
        }
        let mut point = self.to;
        while let Some(place) = before[point].filter(|_| point != self.from) {
            self.arcs[place].room -= 1;
            self.arcs[place ^ 1].room += 1;
            point = self.arcs[place].from;
        }
        point == self.from
    }

    /// Both paths, the shorter one first.
    fn two_paths(mut self) -> Option<[Path; 2]> {
        if !self.augment() || !self.augment() {
            return None;
        }
        let mut paths = [0, 1].map(|_| self.take());
        paths.sort_by_key(|(cost, path)| (*cost, path.routers.len()));
        Some(paths.map(|(_, path)| path))
    }

    /// A path that a unit takes, which is gone then, and its cost.
    fn take(&mut self) -> (i64, Path) {
        let (mut point, mut cost) = (self.from, 0);
        let mut path = Path { routers: vec![point / 2], links: Vec::new() };
        while point != self.to {
            // The reverse of an arc has room where something flows.
            let flows = |place: &usize| self.arcs[*place].from == point && self.arcs[*place ^ 1].room > 0;
            let Some(place) = (0..self.arcs.len()).step_by(2).find(flows) else { break };
            self.arcs[place ^ 1].room -= 1;
            let arc = self.arcs[place];
            if let Some(link) = arc.link {
                path.links.push(link);
                path.routers.push(arc.to / 2);
                cost += arc.cost;
            }
            point = arc.to;
        }
        (cost, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(routers: usize, links: &[(usize, usize, u32)]) -> Topology {
        let mut graph = Topology::default();
        for _ in 0..routers {
            graph.add(true);
        }
        for &(a, b, metric) in links {
            graph.join(a, b, metric);
        }
        graph
    }

    #[test]
    fn a_ladder_has_two_rows() {
        // 0 - 1 - 2 - 5 and 0 - 3 - 4 - 5, the second a little longer.
        let ladder = graph(6, &[(0, 1, 10), (1, 2, 10), (2, 5, 10), (0, 3, 20), (3, 4, 10), (4, 5, 10)]);
        let (primary, backup) = paths(&ladder, 0, 5).unwrap();
        assert_eq!(primary.routers, [0, 1, 2, 5]);
        assert_eq!(backup.map(|(path, disjoint)| (path.routers, disjoint)), Some((vec![0, 3, 4, 5], Disjoint::Nodes)));
    }

    #[test]
    fn two_links_to_one_neighbour_are_apart_by_links_alone() {
        let twice = graph(3, &[(0, 1, 1), (0, 1, 1), (1, 2, 1), (1, 2, 2)]);
        let (primary, backup) = paths(&twice, 0, 2).unwrap();
        assert_eq!(primary.links, [0, 2]);
        assert_eq!(backup.map(|(path, disjoint)| (path.links, disjoint)), Some((vec![1, 3], Disjoint::Links)));
        let once = graph(3, &[(0, 1, 1), (1, 2, 1)]);
        assert_eq!(paths(&once, 0, 2).map(|(_, backup)| backup), Some(None));
        assert_eq!(paths(&graph(2, &[]), 0, 1), None);
    }

    /// 0 - 1 - 2 - 3 is the shortest path and cuts both others off: 0 - 1 - 4 - 3 and 0 - 5 - 2 - 3 are apart.
    #[test]
    fn the_shortest_path_gives_way_to_two_that_are_apart() {
        let links = [(0, 1, 1), (1, 2, 1), (2, 3, 1), (1, 4, 2), (4, 3, 2), (0, 5, 2), (5, 2, 2)];
        let trap = graph(6, &links);
        let (primary, backup) = paths(&trap, 0, 3).unwrap();
        let backup = backup.unwrap();
        assert_eq!((primary.routers, backup.0.routers), (vec![0, 1, 4, 3], vec![0, 5, 2, 3]));
        assert_eq!(backup.1, Disjoint::Nodes);
    }

    #[test]
    fn no_path_leads_through_an_edge() {
        let mut graph = Topology::default();
        let [a, edge, b] = [true, false, true].map(|transit| graph.add(transit));
        graph.join(a, edge, 1);
        graph.join(edge, b, 1);
        let primary = |graph: &Topology, to| paths(graph, a, to).map(|(path, _)| path.routers);
        assert_eq!((primary(&graph, b), primary(&graph, edge)), (None, Some(vec![a, edge])));
        graph.join(a, b, 9);
        assert_eq!(paths(&graph, a, b).map(|(path, backup)| (path.routers, backup)), Some((vec![a, b], None)));
    }

    fn are_apart(a: &Path, b: &Path, nodes: bool) -> bool {
        let inner = |path: &Path| path.routers[1..path.routers.len() - 1].to_vec();
        let shares_router = nodes && inner(a).iter().any(|router| inner(b).contains(router));
        !shares_router && !a.links.iter().any(|link| b.links.contains(link))
    }

    /// Every path that comes to no router twice.
    fn every_path(links: &[(usize, usize, u32)], from: usize, to: usize) -> Vec<Path> {
        let (mut found, mut open) = (Vec::new(), vec![Path { routers: vec![from], links: Vec::new() }]);
        while let Some(path) = open.pop() {
            let at = *path.routers.last().unwrap();
            if at == to {
                found.push(path);
                continue;
            }
            for (link, &(a, b, _)) in links.iter().enumerate() {
                for (here, next) in [(a, b), (b, a)] {
                    if here == at && !path.routers.contains(&next) {
                        let mut longer = path.clone();
                        longer.routers.push(next);
                        longer.links.push(link);
                        open.push(longer);
                    }
                }
            }
        }
        found
    }

    proptest! {
        /// Against all distances by Floyd and Warshall.
        #[test]
        fn paths_are_shortest_and_backups_apart(
            links in proptest::collection::vec((0usize..7, 0usize..7, 1u32..5), 0..13), from in 0usize..7, to in 0usize..7,
        ) {
            prop_assume!(from != to);
            let links: Vec<_> = links.into_iter().filter(|(a, b, _)| a != b).collect();
            let built = graph(8, &links);
            let mut all = [[u64::from(u32::MAX); 8]; 8];
            for &(a, b, metric) in &links {
                let least = all[a][b].min(metric.into());
                (all[a][b], all[b][a]) = (least, least);
            }
            for k in 0..8 {
                for i in 0..8 {
                    for j in 0..8 {
                        all[i][j] = all[i][j].min(all[i][k] + all[k][j]);
                    }
                }
            }
            let cost = |path: &Path| -> u64 { path.links.iter().map(|&link| u64::from(links[link].2)).sum() };
            let joined = |path: &Path| path.routers.windows(2).zip(&path.links).all(|(pair, &link)| {
                let (a, b, _) = links[link];
                (pair[0], pair[1]) == (a, b) || (pair[0], pair[1]) == (b, a)
            });
            let Some((path, backup)) = paths(&built, from, to) else {
                prop_assert_eq!(all[from][to], u64::from(u32::MAX));
                return Ok(());
            };
            prop_assert!(joined(&path));
            prop_assert_eq!((path.routers[0], *path.routers.last().unwrap()), (from, to));
            // All paths, by going every way: what is apart from what.
            let every = every_path(&links, from, to);
            let apart = |nodes: bool| every.iter().any(|a| every.iter().any(|b| are_apart(a, b, nodes)));
            let Some((backup, disjoint)) = backup else {
                prop_assert_eq!(cost(&path), all[from][to]);
                prop_assert!(!apart(false), "two paths share no link");
                return Ok(());
            };
            prop_assert!(joined(&backup) && are_apart(&path, &backup, disjoint == Disjoint::Nodes));
            prop_assert!(disjoint == Disjoint::Nodes || !apart(true), "two paths share no router");
            prop_assert!(cost(&path) <= cost(&backup));
        }
    }
}
