//! What it takes to hand frames from one thread to another: by segments, as links do it, by chunks of a ring of frames,
//! and one by one.

use biplane::frame::Frame;
use biplane::time::Instant;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use rtrb::RingBuffer;
use std::hint::black_box;
use std::time::{Duration, Instant as Wall};

/// Frames of a segment or a chunk, as links have it.
const SEGMENT: usize = 256;
/// Frames that are under way at the most, as many for each way of handing over.
const UNDER_WAY: usize = 16 * SEGMENT;
/// Frames of one pass.
const PASS: usize = 64 * SEGMENT;

/// Times `send` here and `receive` in another thread, until both are through.
fn both(send: impl FnOnce(), receive: impl FnOnce() -> u64 + Send) -> Duration {
    let begin = Wall::now();
    std::thread::scope(|scope| {
        let receiver = scope.spawn(receive);
        send();
        black_box(receiver.join()).expect("the receiver has no reason to panic");
    });
    begin.elapsed()
}

/// Waits until there is something.
fn wait<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    let backoff = Backoff::new();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        backoff.snooze();
    }
}

/// Frames to be sent again and again.
fn made() -> Vec<Frame> {
    (0..SEGMENT).map(|_| Frame::default()).collect()
}

/// Full segments go one way, empty ones come back.
fn segments(passes: u64) -> Duration {
    let (mut full_in, mut full_out) = RingBuffer::<Vec<Frame>>::new(UNDER_WAY / SEGMENT);
    let (mut empty_in, mut empty_out) = RingBuffer::<Vec<Frame>>::new(UNDER_WAY / SEGMENT);
    for _ in 0..UNDER_WAY / SEGMENT {
        empty_in.push(Vec::with_capacity(SEGMENT)).expect("the ring has room for all segments");
    }
    let (mut made, count) = (made(), passes * (PASS / SEGMENT) as u64);
    let send = || {
        for _ in 0..count {
            let mut segment = wait(|| empty_out.pop().ok());
            segment.extend(made.iter_mut().map(|frame| frame.take(Instant::ZERO)));
            full_in.push(segment).expect("the ring has room for all segments");
        }
    };
    let receive = move || {
        (0..count).fold(0, |all, _| {
            let mut segment = wait(|| full_out.pop().ok());
            let sum = segment.iter().fold(all, |all, frame| all ^ u64::from(frame.header.hash));
            segment.clear();
            empty_in.push(segment).expect("the ring has room for all segments");
            sum
        })
    };
    both(send, receive)
}

/// The frames themselves go through the ring, many at a time.
fn chunks(passes: u64) -> Duration {
    let (mut sender, mut receiver) = RingBuffer::<Frame>::new(UNDER_WAY);
    let (mut made, count) = (made(), passes * (PASS / SEGMENT) as u64);
    let send = || {
        for _ in 0..count {
            wait(|| (sender.slots() >= SEGMENT).then_some(()));
            let chunk = sender.write_chunk_uninit(SEGMENT).expect("there is room");
            chunk.fill_from_iter(made.iter_mut().map(|frame| frame.take(Instant::ZERO)));
        }
    };
    let receive = move || {
        (0..count).fold(0, |all, _| {
            wait(|| (receiver.slots() >= SEGMENT).then_some(()));
            let chunk = receiver.read_chunk(SEGMENT).expect("the frames are there");
            chunk.into_iter().fold(all, |all, frame| all ^ u64::from(frame.header.hash))
        })
    };
    both(send, receive)
}

/// Each frame by itself.
fn one_by_one(passes: u64) -> Duration {
    let queue = ArrayQueue::new(UNDER_WAY);
    let (mut made, count) = (made(), passes * (PASS / SEGMENT) as u64);
    let send = || {
        for _ in 0..count {
            for frame in &mut made {
                let mut waits = Some(frame.take(Instant::ZERO));
                wait(|| {
                    waits = queue.push(waits.take()?).err();
                    waits.is_none().then_some(())
                });
            }
        }
    };
    let receive = || (0..count * SEGMENT as u64).fold(0, |all, _| all ^ u64::from(wait(|| queue.pop()).header.hash));
    both(send, receive)
}

fn hand_over(c: &mut Criterion) {
    let mut group = c.benchmark_group("hand_over");
    group.throughput(Throughput::Elements(PASS as u64)).sample_size(10);
    group.bench_function("segments", |bencher| bencher.iter_custom(segments));
    group.bench_function("rtrb_chunks", |bencher| bencher.iter_custom(chunks));
    group.bench_function("array_queue_one_by_one", |bencher| bencher.iter_custom(one_by_one));
    group.finish();
}

criterion_group!(benches, hand_over);
criterion_main!(benches);
