//! Paths through a provider's graph: the shortest, and one that shares no router or no link with it.

use crate::id::NodeId;

/// A label-switched path between two provider edges (RFC 3031 §3.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsp {
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

/// A graph of routers by number; links have a metric and two directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Per router, what it is joined to: the neighbour, the number of the link, the metric.
    edges: Vec<Vec<(usize, usize, u32)>>,
    /// Per router, whether paths lead through it, and not only to it.
    transit: Vec<bool>,
    links: usize,
}

impl Graph {
    /// A further router, and whether paths may lead through it.
    pub(super) fn add(&mut self, transit: bool) -> usize {
        self.edges.push(Vec::new());
        self.transit.push(transit);
        self.edges.len() - 1
    }

    /// A further link; its number.
    pub(super) fn join(&mut self, a: usize, b: usize, metric: u32) -> usize {
        self.edges[a].push((b, self.links, metric));
        self.edges[b].push((a, self.links, metric));
        self.links += 1;
        self.links - 1
    }

    /// The shortest path as links with the routers that they lead to, without what `avoid` says of a router and a
    /// link; of equal ones that whose routers have lower numbers from the end back.
    fn shortest(&self, from: usize, to: usize, avoid: impl Fn(usize, usize) -> bool) -> Option<Path> {
        let mut distance = vec![u64::MAX; self.edges.len()];
        let mut before: Vec<Option<(usize, usize)>> = vec![None; self.edges.len()];
        let mut done = vec![false; self.edges.len()];
        distance[from] = 0;
        while let Some(at) =
            (0..done.len()).filter(|&r| !done[r] && distance[r] < u64::MAX).min_by_key(|&r| distance[r])
        {
            done[at] = true;
            if at != from && !self.transit[at] {
                continue;
            }
            for &(next, link, metric) in &self.edges[at] {
                let longer = distance[at] + u64::from(metric);
                let is_better =
                    longer < distance[next] || (longer == distance[next] && before[next] > Some((at, link)));
                if !done[next] && !avoid(next, link) && is_better {
                    distance[next] = longer;
                    before[next] = Some((at, link));
                }
            }
        }
        let mut path = Path { routers: vec![to], links: Vec::new() };
        while let Some((router, link)) = before[*path.routers.last()?].filter(|_| path.routers.last() != Some(&from)) {
            path.routers.push(router);
            path.links.push(link);
        }
        path.routers.reverse();
        path.links.reverse();
        (path.routers[0] == from).then_some(path)
    }

    /// The shortest path between two routers.
    pub(super) fn path(&self, from: usize, to: usize) -> Option<Path> {
        self.shortest(from, to, |_, _| false)
    }

    /// A path beside `primary`: without its routers if there is one, else without its links.
    pub(super) fn backup(&self, primary: &Path) -> Option<(Path, Disjoint)> {
        let (&from, &to) = (primary.routers.first()?, primary.routers.last()?);
        let inner = &primary.routers[1..primary.routers.len().max(2) - 1];
        let shares_link = |link: usize| primary.links.contains(&link);
        let nodes = self.shortest(from, to, |router, link| inner.contains(&router) || shares_link(link));
        let links = || self.shortest(from, to, |_, link| shares_link(link)).map(|path| (path, Disjoint::Links));
        nodes.map(|path| (path, Disjoint::Nodes)).or_else(links)
    }
}

/// A path: its routers, and the links between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) routers: Vec<usize>,
    pub(super) links: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(routers: usize, links: &[(usize, usize, u32)]) -> Graph {
        let mut graph = Graph::default();
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
        let primary = ladder.path(0, 5).unwrap();
        assert_eq!(primary.routers, [0, 1, 2, 5]);
        let (backup, disjoint) = ladder.backup(&primary).unwrap();
        assert_eq!((backup.routers, disjoint), (vec![0, 3, 4, 5], Disjoint::Nodes));
    }

    #[test]
    fn two_links_to_one_neighbour_are_apart_by_links_alone() {
        let twice = graph(3, &[(0, 1, 1), (0, 1, 1), (1, 2, 1), (1, 2, 2)]);
        let primary = twice.path(0, 2).unwrap();
        assert_eq!(primary.links, [0, 2]);
        let (backup, disjoint) = twice.backup(&primary).unwrap();
        assert_eq!((backup.links, disjoint), (vec![1, 3], Disjoint::Links));
        let once = graph(3, &[(0, 1, 1), (1, 2, 1)]);
        assert_eq!(once.backup(&once.path(0, 2).unwrap()), None);
        assert_eq!(graph(2, &[]).path(0, 1), None);
    }

    #[test]
    fn no_path_leads_through_an_edge() {
        let mut graph = Graph::default();
        let [a, edge, b] = [true, false, true].map(|transit| graph.add(transit));
        graph.join(a, edge, 1);
        graph.join(edge, b, 1);
        assert_eq!((graph.path(a, b), graph.path(a, edge).map(|path| path.routers)), (None, Some(vec![a, edge])));
        graph.join(a, b, 9);
        assert_eq!(graph.path(a, b).map(|path| path.routers), Some(vec![a, b]));
    }

    proptest! {
        /// Against all distances by Floyd and Warshall.
        #[test]
        fn paths_are_shortest_and_backups_apart(
            links in proptest::collection::vec((0usize..8, 0usize..8, 1u32..5), 0..20), from in 0usize..8, to in 0usize..8,
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
            match built.path(from, to) {
                None => prop_assert_eq!(all[from][to], u64::from(u32::MAX)),
                Some(path) => {
                    prop_assert!(joined(&path) && cost(&path) == all[from][to]);
                    prop_assert_eq!((path.routers[0], *path.routers.last().unwrap()), (from, to));
                    if let Some((backup, disjoint)) = built.backup(&path) {
                        prop_assert!(joined(&backup) && backup.links.iter().all(|link| !path.links.contains(link)));
                        let inner = &path.routers[1..path.routers.len() - 1];
                        let shares = backup.routers.iter().any(|router| inner.contains(router));
                        prop_assert_eq!(shares, disjoint == Disjoint::Links);
                    }
                }
            }
        }
    }
}
