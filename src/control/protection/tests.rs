//! A network of protection machines that tell each other at once what they see; what each makes of its tables.
//!
//! ```text
//!             +-- 2 --+
//! edge 0 -- 1 |       | 3 -- edge 5        links: 0-1, 1-2, 2-3, 3-5, 1-4, 4-3
//!             +-- 4 --+
//! ```

use super::*;
use crate::control::change::Change;
use crate::control::plane::Happened;
use crate::table::{FibBuilder, LabelPush};
use crate::time::{Instant, Span};

const LINKS: [[usize; 2]; 6] = [[0, 1], [1, 2], [2, 3], [3, 5], [1, 4], [4, 3]];
const TIMING: Timing = Timing { convergence: Span::from_ms(200), reversion_hold: Span::from_s(10) };

fn ms(ms: u64) -> Instant {
    Instant::ZERO + Span::from_ms(ms)
}

fn label(label: u32) -> Label {
    Label::new(label).unwrap()
}

struct Net {
    machines: Vec<Protection>,
    protected: Protected,
    bypassed: Protected,
    /// Frames that were sent.
    sent: usize,
}

impl Net {
    /// One path, from 0 to 5 by 2. What enters it has service label 500; at 1 the link to 2 has a bypass.
    fn new() -> Self {
        let mut topology = Topology::default();
        for router in 0..6 {
            topology.add((1..5).contains(&router));
        }
        for [a, b] in LINKS {
            topology.join(a, b, 10);
        }
        let primary = Path { routers: vec![0, 1, 2, 3, 5], links: vec![0, 1, 2, 3] };
        let lsps: Arc<[LspSpec]> = vec![LspSpec { primary, backup: None, label: label(100) }].into();
        let topology = Arc::new(topology);
        let mut fib = FibBuilder::new(1);
        let plain = NextHop::port(PortId(0));
        let [protected, bypassed] = [0, 1].map(|_| fib.protected(plain, plain));
        let spec = |router: usize| ProtectionSpec {
            router,
            topology: topology.clone(),
            lsps: lsps.clone(),
            timing: TIMING,
            adjacencies: adjacencies(router, bypassed),
            heads: match router {
                0 => vec![HeadSpec { lsp: 0, next_hop: protected, bypass: None, service: Some(label(500)) }],
                _ => Vec::new(),
            },
            ttl: TtlModel::Uniform,
            entropy: false,
            null: None,
        };
        Net { machines: (0..6).map(|router| Protection::new(&spec(router))).collect(), protected, bypassed, sent: 0 }
    }

    /// A link's ports at both ends, or at one.
    fn port(&mut self, now: Instant, link: usize, ends: &[usize], up: bool) {
        for &router in ends {
            self.machines[router].handle_port(now, PortId(link as u16), up);
        }
        self.settle(now);
    }

    /// All news is told, and all that is due is done.
    fn settle(&mut self, now: Instant) {
        let mut told = true;
        while std::mem::take(&mut told) {
            for router in 0..self.machines.len() {
                while let Some((link, state)) = self.machines[router].poll_transmit() {
                    let to = LINKS[link].into_iter().find(|end| *end != router).unwrap();
                    self.machines[to].handle_news(link, &state.emit()).expect("known links");
                    (self.sent, told) = (self.sent + 1, true);
                }
            }
        }
        self.machines.iter_mut().for_each(|machine| machine.handle_timeout(now));
    }

    /// Everything that comes of itself, before `until`: when, at which router.
    fn run(&mut self, until: Instant) -> Vec<(Instant, usize, Vec<Change>)> {
        let mut seen = Vec::new();
        while let Some(now) = self.machines.iter().filter_map(Protection::poll_timeout).min().filter(|at| *at < until) {
            self.settle(now);
            seen.extend((0..6).map(|router| (now, router, self.changes(router))).filter(|seen| !seen.2.is_empty()));
        }
        seen
    }

    fn changes(&mut self, router: usize) -> Vec<Change> {
        std::iter::from_fn(|| self.machines[router].poll_change()).collect()
    }

    fn all_changes(&mut self) -> Vec<(usize, Vec<Change>)> {
        (0..6).map(|router| (router, self.changes(router))).filter(|(_, changes)| !changes.is_empty()).collect()
    }
}

/// The port and the place of a sub-interface have the number of the link.
fn adjacencies(router: usize, bypassed: Protected) -> Vec<AdjacencySpec> {
    let own = LINKS.iter().enumerate().filter(|(_, ends)| ends.contains(&router));
    own.map(|(link, _)| AdjacencySpec {
        link,
        port: PortId(link as u16),
        interface: link,
        bfd: None,
        next_hop: NextHop::port(PortId(link as u16)),
        protected: if (router, link) == (1, 1) { vec![bypassed] } else { Vec::new() },
    })
    .collect()
}

fn by(link: u16, labels: &[u32]) -> NextHop {
    NextHop { push: LabelPush::new(labels).unwrap(), ..NextHop::port(PortId(link)) }
}

fn relabel(next_hop: NextHop) -> Change {
    Change::Label { label: label(100), next_hop, model: TtlModel::Uniform }
}

fn switch(protected: Protected, to_backup: bool) -> Change {
    Change::Switch { protected, to_backup }
}

#[test]
fn the_router_before_the_failure_switches_and_all_converge_later() {
    let mut net = Net::new();
    net.port(ms(1000), 1, &[1, 2], false);
    let bypassed = net.bypassed;
    assert_eq!(net.all_changes(), [(1, vec![switch(bypassed, true)])]);
    let backup = Change::Backup { protected: net.protected, next_hop: by(0, &[100, 500]) };
    let entered = vec![backup, switch(net.protected, true)];
    // Each on the new path at one instant: 3 pops.
    let converged = vec![
        (ms(1200), 0, entered),
        (ms(1200), 1, vec![relabel(by(4, &[100]))]),
        (ms(1200), 3, vec![relabel(by(3, &[]))]),
        (ms(1200), 4, vec![relabel(by(5, &[100]))]),
    ];
    assert_eq!(net.run(ms(9000)), converged);
    assert_eq!(
        net.machines[1].poll_event(),
        Some(Happened::Switched { port: PortId(1), to_backup: true, next_hops: 1 })
    );
    assert_eq!(net.machines[1].poll_event(), Some(Happened::Reconverged { avoided: 1, changed: 1 }));
    // Back, gone within the hold, back: the hold counts from the last time.
    net.port(ms(2000), 1, &[1, 2], true);
    net.port(ms(5000), 1, &[1], false);
    net.port(ms(6000), 1, &[1], true);
    assert_eq!(net.all_changes(), []);
    let as_it_was =
        vec![(ms(16_000), 0, vec![switch(net.protected, false)]), (ms(16_000), 1, vec![switch(bypassed, false)])];
    assert_eq!(net.run(Instant::MAX), as_it_was);
}

#[test]
fn both_ends_have_to_find_a_link_good() {
    let mut net = Net::new();
    net.port(ms(1000), 1, &[1, 2], false);
    net.run(ms(2000));
    net.port(ms(2000), 1, &[2], true);
    assert_eq!(net.run(ms(20_000)), [], "1 does not see it");
    net.port(ms(20_000), 1, &[1], true);
    assert_eq!(
        net.run(Instant::MAX).iter().map(|(at, router, _)| (*at, *router)).collect::<Vec<_>>(),
        [(ms(30_000), 0), (ms(30_000), 1)]
    );
}

#[test]
fn a_failure_that_the_sender_does_not_see_is_not_repaired_and_converged_upon() {
    let mut net = Net::new();
    net.port(ms(1000), 1, &[2], false);
    assert_eq!(net.all_changes(), []);
    let routers: Vec<usize> = net.run(Instant::MAX).into_iter().map(|(_, router, _)| router).collect();
    assert_eq!(routers, [0, 1, 3, 4]);
}

#[test]
fn where_there_is_no_way_a_path_stays() {
    let mut net = Net::new();
    net.port(ms(1000), 1, &[1, 2], false);
    net.run(ms(2000));
    net.port(ms(2000), 4, &[1, 4], false);
    assert_eq!(net.run(Instant::MAX), []);
    // Routers 2, 3, 4 and 5 are cut off from 0 and 1: what happens there meanwhile they are told when a link is back.
    net.port(ms(30_000), 2, &[2, 3], false);
    net.run(ms(40_000));
    assert_eq!(net.machines[0].poll_timeout(), None);
    net.port(ms(40_000), 1, &[1, 2], true);
    net.port(ms(40_000), 4, &[1, 4], true);
    // 0 has heard of the link from 2 to 3: what enters the path stays on the way by 4.
    assert_eq!(net.run(Instant::MAX), [(ms(50_000), 1, vec![switch(net.bypassed, false)])]);
    net.port(ms(60_000), 2, &[2, 3], true);
    let last = net.run(Instant::MAX);
    assert_eq!(last, [(ms(70_000), 0, vec![switch(net.protected, false)]),]);
}

#[test]
fn news_is_told_once_and_old_news_not_at_all() {
    let mut net = Net::new();
    net.port(ms(1000), 1, &[1], false);
    // Five other links, each way at the most.
    assert!(net.sent <= 10, "{}", net.sent);
    let state = |sequence, router, link, works| LinkState { router, link, sequence, works, since: ms(1000) };
    let tell = |net: &mut Net, state: LinkState| {
        let known = net.machines[3].handle_news(3, &state.emit());
        (known, std::iter::from_fn(|| net.machines[3].poll_transmit()).count() > 0)
    };
    assert_eq!(tell(&mut net, state(1, 1, 1, true)), (Some(()), false), "heard already");
    assert_eq!(tell(&mut net, state(2, 1, 1, true)), (Some(()), true));
    assert_eq!(tell(&mut net, state(9, 3, 2, false)), (Some(()), false), "only it speaks for its own ends");
    assert_eq!(tell(&mut net, state(3, 1, 3, false)), (None, false), "1 is at no end of link 3");
    assert_eq!(tell(&mut net, state(3, 1, 6, false)), (None, false), "there is no link 6");
    let state = state(3, 1, 1, false).emit();
    assert_eq!(net.machines[3].handle_news(0, &state), None, "no link of its own has that sub-interface");
    assert_eq!(net.machines[3].handle_news(3, &state[..17]), None);
}
