//! A port's carrier: from light lost or back to the port going down or up, each after its time; a shorter change is none.
//!
//! ```text
//! light    ______----__------------____________
//! port     ____________________----____________     carrier-up delay 6, carrier delay 8: what is shorter does not show
//! ```

use crate::time::{Instant, Span};

/// How long a change of the light must last before the port follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarrierSpec {
    /// From loss of signal to the port going down (carrier delay).
    pub down_delay: Span,
    /// From the signal's return to the port coming up (debounce).
    pub up_delay: Span,
}

/// What the receiver of a port sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Loss of signal, or the far end says that it has lost it (remote fault, IEEE 802.3 §46.3.4).
    Lost,
    /// The signal is back.
    Back,
}

/// The carrier of a port at work; it begins up.
#[derive(Clone, Debug)]
pub struct Carrier {
    spec: CarrierSpec,
    is_up: bool,
    /// When the port follows the light, if they differ.
    follows: Option<Instant>,
}

impl Carrier {
    /// A port that is up.
    pub fn new(spec: CarrierSpec) -> Self {
        Carrier { spec, is_up: true, follows: None }
    }

    /// Whether the port is up.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The light changes at `now`. Of what it was already nothing comes.
    pub fn handle_signal(&mut self, now: Instant, signal: Signal) {
        let (is_lit, delay) = match signal {
            Signal::Lost => (false, self.spec.down_delay),
            Signal::Back => (true, self.spec.up_delay),
        };
        self.follows = if is_lit == self.is_up { None } else { self.follows.or(Some(now.saturating_add(delay))) };
    }

    /// When the port follows.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.follows
    }

    /// The port follows the light, if it is time: whether it is up now, if that is new.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<bool> {
        self.follows.take_if(|at| *at <= now)?;
        self.is_up = !self.is_up;
        Some(self.is_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPEC: CarrierSpec = CarrierSpec { down_delay: Span::from_ps(8), up_delay: Span::from_ps(6) };

    /// When the port goes down and up, of changes of the light.
    fn changes(spec: CarrierSpec, signals: &[(u64, Signal)]) -> Vec<(u64, bool)> {
        let (mut carrier, mut seen) = (Carrier::new(spec), Vec::new());
        let mut settle = |carrier: &mut Carrier, before: Instant| {
            while let Some(at) = carrier.poll_timeout().filter(|at| *at < before) {
                let up = carrier.handle_timeout(at).expect("a timeout changes something");
                seen.push((at.as_ps(), up));
            }
        };
        for &(at, signal) in signals {
            settle(&mut carrier, Instant::from_ps(at));
            carrier.handle_signal(Instant::from_ps(at), signal);
        }
        settle(&mut carrier, Instant::MAX);
        seen
    }

    #[test]
    fn what_is_shorter_than_its_delay_does_not_show() {
        use Signal::{Back, Lost};
        assert_eq!(changes(SPEC, &[(10, Lost)]), [(18, false)]);
        assert_eq!(changes(SPEC, &[(10, Lost), (17, Back)]), []);
        assert_eq!(changes(SPEC, &[(10, Lost), (17, Back), (20, Lost)]), [(28, false)]);
        assert_eq!(changes(SPEC, &[(10, Lost), (30, Back), (35, Lost), (40, Back)]), [(18, false), (46, true)]);
        // The light that comes back at the instant of the timeout is in time.
        assert_eq!(changes(SPEC, &[(10, Lost), (18, Back)]), []);
    }

    proptest! {
        /// By the definition: the port follows when the light has been different for the whole delay.
        #[test]
        fn the_port_follows_what_lasts(gaps in proptest::collection::vec(1u64..20, 0..30), down in 0u64..12, up in 0u64..12) {
            let spec = CarrierSpec { down_delay: Span::from_ps(down), up_delay: Span::from_ps(up) };
            let (mut at, mut signals) = (0, Vec::new());
            for (place, gap) in gaps.into_iter().enumerate() {
                at += gap;
                signals.push((at, if place % 2 == 0 { Signal::Lost } else { Signal::Back }));
            }
            let mut expected = Vec::new();
            for (place, &(at, signal)) in signals.iter().enumerate() {
                let until = signals.get(place + 1).map_or(u64::MAX, |next| next.0);
                let (is_lit, delay) = if signal == Signal::Lost { (false, down) } else { (true, up) };
                let is_up = expected.last().is_none_or(|&(_, up)| up);
                if is_lit != is_up && at + delay < until {
                    expected.push((at + delay, is_lit));
                }
            }
            prop_assert_eq!(changes(spec, &signals), expected);
        }
    }
}
