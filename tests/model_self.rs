//! The octet-level model of forwarding against literal octets. Nothing here touches the library: the oracle is judged.

mod cases;
mod model;

use model::*;
use proptest::prelude::*;

fn hash_of(_: &[u8]) -> u32 {
    5
}

fn run(router: &ModelRouter, frame: &[u8]) -> Outcome {
    forward(router, 0, frame, hash_of(frame), &|_| 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever arrives, the model has an answer, what it transmits is a frame, and it is a function.
    #[test]
    fn the_model_answers_anything(router in routers::router(), frame in frames::frame(), port in 0usize..3) {
        let outcome = forward(&router, port, &frame, 77, &|n| n - 1);
        if let Outcome::Transmit { port, class, octets } = &outcome {
            prop_assert!(*port < routers::PORTS && *class < 8 && octets.len() >= 60);
        }
        prop_assert_eq!(outcome, forward(&router, port, &frame, 77, &|n| n - 1));
    }
}
