//! Models of the jump: loom runs them in every order in which two threads can step and can see each other's writes.
//!
//! Each of these was tried by hand: without the second reading of what the threads say all three models fail; without
//! the epoch, with the epoch read after the next event, with it read `Relaxed`, and with a thread that counts it before
//! it says that it is busy, [`no_jump_passes_an_answer`] fails.

use super::*;
use loom::model::Builder;
use loom::thread;

/// A link for one frame at a time: a ring as a link has it, and its counts.
struct Wire {
    /// When the frame in it arrives; 0 if there is none.
    ring: AtomicU64,
    traffic: Arc<Traffic>,
}

impl Wire {
    fn push(&self, arrives: u64) {
        self.ring.store(arrives, Ordering::Release);
        self.traffic.pushed.store(1, Ordering::Release);
    }

    fn has_news(&self) -> bool {
        self.ring.load(Ordering::Acquire) != 0
    }

    fn pull(&self) -> u64 {
        let arrives = self.ring.load(Ordering::Acquire);
        self.ring.store(0, Ordering::Release);
        self.traffic.pulled.store(1, Ordering::Release);
        arrives
    }
}

/// Two threads with a node each.
struct World {
    shared: Shared,
    wires: [Wire; 2],
}

const NEVER: Instant = Instant::MAX;

impl World {
    fn new() -> Arc<Self> {
        let wires = [(); 2].map(|()| Wire { ring: AtomicU64::new(0), traffic: Arc::default() });
        let shared = Shared::new(2, wires.iter().map(|wire| wire.traffic.clone()).collect(), 2);
        Arc::new(World { shared, wires })
    }

    fn floor(&self) -> u64 {
        self.shared.floor.load(Ordering::Acquire)
    }
}

fn at(ps: u64) -> Instant {
    Instant::from_ps(ps)
}

/// Runs both threads, and `then` when they have ended.
fn model(first: fn(&World), second: fn(&World), then: fn(&World)) {
    let mut builder = Builder::new();
    // More than three forced switches show nothing that fewer do not, and take hours.
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let world = World::new();
        let other = world.clone();
        let other = thread::spawn(move || second(&other));
        first(&world);
        other.join().unwrap();
        then(&world);
    });
}

/// One thread sends at 5 a frame that arrives at 10, and has something more to do at 20; the other one takes the frame
/// when it sees it, and does not get on with it. Nobody may jump past 5 before it is sent, nor ever past 10.
#[test]
fn no_jump_passes_a_frame() {
    let sender = |world: &World| {
        let World { shared, wires } = world;
        shared.set_idle(0, at(5));
        shared.jump();
        assert!(world.floor() <= 5);
        shared.set_busy(0);
        wires[0].push(10);
        shared.set_idle(0, at(20));
        shared.jump();
    };
    let receiver = |world: &World| {
        let World { shared, wires } = world;
        let mut next = NEVER;
        for _ in 0..2 {
            if wires[0].has_news() {
                shared.set_busy(1);
                next = at(wires[0].pull());
            }
            shared.set_idle(1, next);
            shared.jump();
            assert!(world.floor() <= 10);
        }
    };
    model(sender, receiver, |world| assert!(world.floor() <= 10 && !world.shared.is_done()));
}

/// The receiver answers by the link that is looked at first, and has nothing to do before and after: what it says is the
/// same, the epoch alone is another.
#[test]
fn no_jump_passes_an_answer() {
    let asker = |world: &World| {
        world.wires[1].push(10);
        world.shared.set_idle(0, at(20));
        world.shared.jump();
    };
    let answerer = |world: &World| {
        let World { shared, wires } = world;
        shared.set_idle(1, NEVER);
        if wires[1].has_news() {
            shared.set_busy(1);
            wires[1].pull();
            wires[0].push(15);
            shared.set_idle(1, NEVER);
        }
        shared.jump();
    };
    model(asker, answerer, |world| assert!(world.floor() == 0 && !world.shared.is_done()));
}

/// A frame is sent, taken, waited for until it is due, and delivered: then somebody ends the run, and nobody before.
#[test]
fn the_run_ends_when_all_is_done_and_not_before() {
    let sender = |world: &World| {
        let World { shared, wires } = world;
        wires[0].push(10);
        shared.set_idle(0, NEVER);
        while !shared.is_done() {
            shared.jump();
            thread::yield_now();
        }
    };
    let receiver = |world: &World| {
        let World { shared, wires } = world;
        let (mut held, mut is_delivered) = (None, false);
        while !shared.is_done() {
            if wires[0].has_news() {
                shared.set_busy(1);
                held = Some(wires[0].pull());
            }
            if held.is_some_and(|due| due <= world.floor()) {
                shared.set_busy(1);
                (held, is_delivered) = (None, true);
            }
            shared.set_idle(1, held.map_or(NEVER, at));
            shared.jump();
            thread::yield_now();
        }
        assert!(is_delivered);
    };
    model(sender, receiver, |world| assert_eq!(world.floor(), 10));
}
