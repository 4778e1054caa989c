//! Figures from samples.

use serde::{Deserialize, Serialize};

use crate::row::Better;

/// The results of several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// How many times better we are, if there is a figure of ours.
    #[serde(rename = "ours_is_better_by", skip_serializing_if = "Option::is_none")]
    pub(crate) advantage: Option<Quartiles>,
}

/// The middle half of some figures, and their middle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quartiles {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Figures {
    /// `None` if there are no samples.
    pub(crate) fn of(samples: &[f64], ours: &[f64], better: Better) -> Option<Self> {
        let sorted = sorted(samples.to_vec());
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            min: *sorted.first()?,
            max: *sorted.last()?,
            advantage: advantage(ours, samples, better),
        })
    }
}

/// Compares each sample with ours of the same turn: what the machine did in that turn, it did to
/// both. More than 1 is better for us, whichever direction is the good one.
fn advantage(ours: &[f64], samples: &[f64], better: Better) -> Option<Quartiles> {
    let pairs = ours.iter().zip(samples);
    let ratios = sorted(pairs.map(|(ours, theirs)| better.advantage(*ours, *theirs)).collect());
    Some(Quartiles {
        low: quantile(&ratios, 0.25)?,
        median: quantile(&ratios, 0.5)?,
        high: quantile(&ratios, 0.75)?,
    })
}

/// The median, or `None` of nothing.
pub(crate) fn median(samples: Vec<f64>) -> Option<f64> {
    quantile(&sorted(samples), 0.5)
}

fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    samples
}

/// What this part of them does not exceed; between two of them, in proportion.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * sorted.len().checked_sub(1)? as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_even_numbers_is_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn quartiles_are_interpolated() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25), Some(2.0));
        assert_eq!(quantile(&[1.0, 3.0], 0.75), Some(2.5));
    }

    #[test]
    fn advantage_compares_samples_of_the_same_turn() {
        // The machine is ten times slower in the second turn, for both.
        let (ours, theirs) = ([1.0, 10.0, 1.0], [1.0, 20.0, 6.0]);
        let figures = Figures::of(&theirs, &ours, Better::Lower).unwrap();
        assert_eq!(figures.advantage, Some(Quartiles { low: 1.5, median: 2.0, high: 4.0 }));
        assert_eq!((figures.min, figures.median, figures.max), (1.0, 6.0, 20.0));
    }

    #[test]
    fn advantage_knows_the_good_direction() {
        let by = |better| Figures::of(&[4.0], &[2.0], better).unwrap().advantage.unwrap().median;
        assert_eq!(by(Better::Lower), 2.0);
        assert_eq!(by(Better::Higher), 0.5);
    }

    #[test]
    fn without_ours_there_is_nothing_to_compare_with() {
        assert_eq!(Figures::of(&[4.0], &[], Better::Lower).unwrap().advantage, None);
        assert_eq!(Figures::of(&[], &[4.0], Better::Lower), None);
    }
}
