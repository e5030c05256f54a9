//! The intervals of a session: what each end asks for, what is in use, and the Poll Sequences that come between (RFC 5880 §6.8.1-4).

use crate::time::Span;
use crate::wire::bfd::{DetectMult, Packet};

/// Microseconds between packets at the least while the session is not up (RFC 5880 §6.8.3).
pub(super) const SLOW_US: u32 = 1_000_000;

/// Where a Poll Sequence is (§6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    Idle,
    /// The next packet is the first with P.
    Wanted,
    /// At least one packet with P has gone.
    Sent,
    /// What we ask for changed while P was out: a Final may answer the old wish, so one more sequence follows.
    Again,
}

#[derive(Clone, Debug)]
pub(super) struct Intervals {
    /// bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval, as our packets say.
    pub(super) desired_min_tx_us: u32,
    pub(super) required_min_rx_us: u32,
    /// The same as they count: the old ones until the neighbour has answered where §6.8.3 says so.
    tx_in_use_us: u32,
    rx_in_use_us: u32,
    poll: Poll,
    remote: Remote,
}

/// What the neighbour said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remote {
    desired_min_tx_us: u32,
    required_min_rx_us: u32,
    multiplier: Option<DetectMult>,
}

/// bfd.RemoteMinRxInterval begins with 1 (§6.8.1).
const UNKNOWN: Remote = Remote { desired_min_tx_us: 0, required_min_rx_us: 1, multiplier: None };

impl Intervals {
    /// Of a session that is not up and would like to send every `desired_min_tx_us`.
    pub(super) fn new(desired_min_tx_us: u32, required_min_rx_us: u32) -> Self {
        let tx = desired_min_tx_us.max(SLOW_US);
        Intervals {
            desired_min_tx_us: tx,
            required_min_rx_us,
            tx_in_use_us: tx,
            rx_in_use_us: required_min_rx_us,
            poll: Poll::Idle,
            remote: UNKNOWN,
        }
    }

    /// We ask for these from now on, `up` or not.
    pub(super) fn ask(&mut self, up: bool, desired_min_tx_us: u32, required_min_rx_us: u32) {
        let tx = if up { desired_min_tx_us } else { desired_min_tx_us.max(SLOW_US) };
        if !up || tx < self.tx_in_use_us {
            self.tx_in_use_us = tx;
        }
        if !up || required_min_rx_us > self.rx_in_use_us {
            self.rx_in_use_us = required_min_rx_us;
        }
        if (tx, required_min_rx_us) == (self.desired_min_tx_us, self.required_min_rx_us) {
            return;
        }
        (self.desired_min_tx_us, self.required_min_rx_us) = (tx, required_min_rx_us);
        self.poll = match self.poll {
            Poll::Idle | Poll::Wanted => Poll::Wanted,
            Poll::Sent | Poll::Again => Poll::Again,
        };
    }

    /// Takes what the neighbour asks for, and its Final.
    pub(super) fn hear(&mut self, packet: &Packet) {
        self.remote = Remote {
            desired_min_tx_us: packet.desired_min_tx_us,
            required_min_rx_us: packet.required_min_rx_us,
            multiplier: Some(packet.multiplier),
        };
        if !packet.final_bit {
            return;
        }
        match self.poll {
            Poll::Sent => {
                self.poll = Poll::Idle;
                (self.tx_in_use_us, self.rx_in_use_us) = (self.desired_min_tx_us, self.required_min_rx_us);
            }
            Poll::Again => self.poll = Poll::Wanted,
            Poll::Idle | Poll::Wanted => {}
        }
    }

    /// A packet with P, if [`Intervals::polls`], is on its way.
    pub(super) fn sent(&mut self) {
        if self.poll == Poll::Wanted {
            self.poll = Poll::Sent;
        }
    }

    /// What the neighbour said counts no more: it is as unknown as at the start.
    pub(super) fn forget_remote(&mut self) {
        self.remote = UNKNOWN;
    }

    /// Whether a Poll Sequence is under way.
    pub(super) fn polls(&self) -> bool {
        self.poll != Poll::Idle
    }

    /// Between our packets, before jitter (§6.8.7); `None` if the neighbour wants none.
    pub(super) fn transmit(&self) -> Option<Span> {
        let remote = Some(self.remote.required_min_rx_us).filter(|&us| us != 0)?;
        Some(Span::from_us(self.tx_in_use_us.max(remote).into()))
    }

    /// The greater of what the neighbour would like to send and we can take: between its packets, before jitter.
    pub(super) fn receive(&self) -> Span {
        Span::from_us(self.rx_in_use_us.max(self.remote.desired_min_tx_us).into())
    }

    /// The detection time (§6.8.4); `None` as long as nothing was heard.
    pub(super) fn detection(&self) -> Option<Span> {
        let multiplier = u64::from(self.remote.multiplier?.0.get());
        Some(Span::from_ps(multiplier * self.receive().as_ps()))
    }
}
