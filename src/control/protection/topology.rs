//! A provider's routers and links as each of its routers knows them, and the shortest paths through them.

/// A graph of routers by number; links have a metric and two directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Per router, what it is joined to: the neighbour, the number of the link, the metric.
    edges: Vec<Vec<(usize, usize, u32)>>,
    /// Per router, whether paths lead through it, and not only to it.
    transit: Vec<bool>,
    /// Per link, the routers at its ends.
    links: Vec<[usize; 2]>,
}

impl Topology {
    /// A further router, and whether paths may lead through it.
    pub fn add(&mut self, transit: bool) -> usize {
        self.edges.push(Vec::new());
        self.transit.push(transit);
        self.edges.len() - 1
    }

    /// A further link; its number.
    pub fn join(&mut self, a: usize, b: usize, metric: u32) -> usize {
        self.edges[a].push((b, self.links.len(), metric));
        self.edges[b].push((a, self.links.len(), metric));
        self.links.push([a, b]);
        self.links.len() - 1
    }

    /// How many routers there are.
    pub fn routers(&self) -> usize {
        self.edges.len()
    }

    /// Per link, the routers at its ends.
    pub fn links(&self) -> &[[usize; 2]] {
        &self.links
    }

    /// What a router is joined to: the neighbour, the number of the link, the metric.
    pub fn edges(&self, router: usize) -> &[(usize, usize, u32)] {
        &self.edges[router]
    }

    /// Whether paths lead through a router, and not only to it.
    pub fn is_transit(&self, router: usize) -> bool {
        self.transit[router]
    }

    /// The shortest path as links with the routers that they lead to, without what `avoid` says of a router and a
    /// link; of equal ones that whose routers have lower numbers from the end back.
    pub fn shortest(&self, from: usize, to: usize, avoid: impl Fn(usize, usize) -> bool) -> Option<Path> {
        self.search(from, to, |router| self.transit[router], avoid)
    }

    /// The same through any router.
    pub fn shortest_through_any(&self, from: usize, to: usize, avoid: impl Fn(usize, usize) -> bool) -> Option<Path> {
        self.search(from, to, |_| true, avoid)
    }

    fn search(
        &self,
        from: usize,
        to: usize,
        leads_through: impl Fn(usize) -> bool,
        avoid: impl Fn(usize, usize) -> bool,
    ) -> Option<Path> {
        let mut distance = vec![u64::MAX; self.edges.len()];
        let mut before: Vec<Option<(usize, usize)>> = vec![None; self.edges.len()];
        let mut done = vec![false; self.edges.len()];
        distance[from] = 0;
        while let Some(at) =
            (0..done.len()).filter(|&r| !done[r] && distance[r] < u64::MAX).min_by_key(|&r| distance[r])
        {
            done[at] = true;
            if at != from && !leads_through(at) {
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
}

/// A path: its routers, and the links between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Ends included.
    pub routers: Vec<usize>,
    /// The one out of each router but the last.
    pub links: Vec<usize>,
}
