//! One thing that grows, and where what comes of it bends.

use serde::{Deserialize, Serialize};

use crate::print::short;
use crate::stats::median;

/// Below this part of the ideal, more workers are of no more use.
const HALF: f64 = 0.5;

/// Above this, against the best, tasks in such numbers are too dear.
const DEAR: f64 = 1.5;

/// What comes of something that grows.
#[derive(Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) about: String,
    /// What grows.
    pub(crate) of: String,
    pub(crate) unit: String,
    /// Why not to trust it, if there is a reason.
    pub(super) noise: Vec<String>,
    pub(crate) points: Vec<Point>,
    /// Where it bends, in words.
    pub(super) bends: Vec<String>,
}

/// So much of it, and what came of it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) at: usize,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// What would be as good as elsewhere on the curve.
    pub(crate) ideal: f64,
}

impl Point {
    pub(super) fn new(at: usize, samples: Vec<f64>) -> Self {
        let min = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let max = samples.iter().copied().fold(0.0, f64::max);
        let median = median(samples).unwrap_or_default();
        Self { at, median, min, max, ideal: median }
    }

    /// As columns: how much of it, figures, ideal.
    pub(super) fn cells(&self) -> [String; 3] {
        let [median, min, max, ideal] = [self.median, self.min, self.max, self.ideal].map(short);
        [self.at.to_string(), format!("{median} [{min} .. {max}]"), ideal]
    }
}

/// As many times the rate of one worker as there are processors for the workers: that is ideal.
pub(super) fn worker_bends(points: &mut [Point], processors: usize) -> Vec<String> {
    let one = points.first().map_or(f64::NAN, |first| first.median / first.at as f64);
    let mut bends = Vec::new();
    for point in points {
        point.ideal = one * point.at.min(processors) as f64;
        if point.median < HALF * point.ideal {
            let part = 100.0 * point.median / point.ideal;
            bends.push(format!("at {} workers: {part:.0} % of the ideal", point.at));
        }
    }
    bends
}

/// The best rate is the ideal.
pub(super) fn rate_bends(points: &mut [Point]) -> Vec<String> {
    let best = points.iter().map(|point| point.median).fold(0.0, f64::max);
    let mut bends = Vec::new();
    for point in points {
        point.ideal = best;
        if point.median < HALF * best {
            let part = 100.0 * point.median / best;
            bends.push(format!("at {}: {part:.0} % of the best", point.at));
        }
    }
    bends
}

/// The cheapest task is the ideal.
pub(super) fn task_bends(points: &mut [Point]) -> Vec<String> {
    let best = points.iter().map(|point| point.median).fold(f64::INFINITY, f64::min);
    let mut bends = Vec::new();
    for point in points {
        point.ideal = best;
        if point.median > DEAR * best {
            let times = point.median / best;
            bends.push(format!("at {} tasks: {times:.1} times the best", point.at));
        }
    }
    bends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(medians: &[(usize, f64)]) -> Vec<Point> {
        medians.iter().map(|(at, median)| Point::new(*at, vec![*median])).collect()
    }

    #[test]
    fn workers_without_processors_are_no_bend() {
        let mut points = points(&[(1, 100.0), (2, 190.0), (4, 180.0), (64, 99.0)]);
        assert_eq!(worker_bends(&mut points, 2), ["at 64 workers: 50 % of the ideal"]);
        assert_eq!(
            points.iter().map(|point| point.ideal).collect::<Vec<_>>(),
            [100.0, 200.0, 200.0, 200.0]
        );
    }

    #[test]
    fn less_than_half_of_the_best_rate_is_a_bend() {
        let mut points = points(&[(1, 49.0), (2, 100.0), (4, 50.0)]);
        assert_eq!(rate_bends(&mut points), ["at 1: 49 % of the best"]);
    }

    #[test]
    fn dear_tasks_are_a_bend_at_both_ends() {
        let mut points =
            points(&[(1_000, 250.0), (10_000, 100.0), (100_000, 140.0), (1_000_000, 400.0)]);
        let expected =
            ["at 1000 tasks: 2.5 times the best", "at 1000000 tasks: 4.0 times the best"];
        assert_eq!(task_bends(&mut points), expected);
    }
}
