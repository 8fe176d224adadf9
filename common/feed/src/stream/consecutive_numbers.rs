//! Numbers that a venue counts up by one: of the frames of a connection, of the trades of a market.

/// A larger step, up or down, is no gap: the venue began to count anew, or made the number up. At a hundred trades a
/// second it is three hours.
const MAX_GAP: u64 = 1_000_000;

/// The highest number so far of a sequence that goes up by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ConsecutiveNumbers {
    last: Option<u64>,
}

/// Where a number stands among those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberOrder {
    /// It is the next, or the first, of a beginning.
    Next,
    /// This many were left out before it: one to a million.
    Gap(u64),
    /// It isn't above the last one.
    Late,
}

impl ConsecutiveNumbers {
    /// Takes in the next number to come.
    pub(super) fn observe(&mut self, number: u64) -> NumberOrder {
        let Some(last) = self.last else {
            self.last = Some(number);
            return NumberOrder::Next;
        };
        if number.abs_diff(last) > MAX_GAP {
            self.last = Some(number);
            return NumberOrder::Next;
        }
        if number <= last {
            return NumberOrder::Late;
        }
        self.last = Some(number);
        match number - last - 1 {
            0 => NumberOrder::Next,
            missed => NumberOrder::Gap(missed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn orders(numbers: &[u64]) -> Vec<NumberOrder> {
        let mut sequence = ConsecutiveNumbers::default();
        numbers
            .iter()
            .map(|number| sequence.observe(*number))
            .collect()
    }

    #[test]
    fn gaps_and_late_numbers_are_told_apart() {
        use NumberOrder::{Gap, Late, Next};
        assert_eq!(
            orders(&[5, 6, 9, 7, 9, 10, 11]),
            [Next, Next, Gap(2), Late, Late, Next, Next]
        );
    }

    /// The last number of all is followed by no other, and spoils none of the next.
    #[test]
    fn a_number_at_the_end_of_the_range_is_a_new_beginning() {
        use NumberOrder::{Gap, Next};
        assert_eq!(
            orders(&[7, u64::MAX, 8, 9, 11, u64::MAX, 0, 1]),
            [Next, Next, Next, Next, Gap(1), Next, Next, Next]
        );
        assert_eq!(orders(&[u64::MAX - 1, u64::MAX]), [Next, Next]);
    }

    proptest! {
        #[test]
        fn no_sequence_overflows_or_has_an_absurd_gap(numbers in proptest::collection::vec(any::<u64>(), 0..50)) {
            for order in orders(&numbers) {
                prop_assert!(!matches!(order, NumberOrder::Gap(missed) if missed > MAX_GAP));
            }
        }
    }
}
