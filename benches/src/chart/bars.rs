//! Bars for a group of rows: a panel for each row, a bar for each system.
//!
//! The axis is logarithmic and has its powers of ten drawn, since systems differ by factors of
//! hundreds. A bar ends at the median; the thin line over its end goes from least to greatest.

use super::svg::{Decades, Svg, tick};
use crate::print::short;
use crate::report::{Outcome, RowReport};
use crate::row::Kind;
use crate::stats::Figures;

const WIDTH: f64 = 920.0;
const LEFT: f64 = 280.0;
const RIGHT: f64 = 660.0;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
const TITLE: f64 = 34.0;
const AXIS: f64 = 34.0;

/// `None` if there is nothing to draw.
pub(super) fn draw(rows: &[&RowReport]) -> Option<String> {
    let mut svg = Svg::new();
    let mut y = 0.0;
    for row in rows.iter().filter(|row| row.outcomes.iter().any(|o| o.figures.is_some())) {
        y = panel(&mut svg, row, y);
    }
    (y > 0.0).then(|| svg.finish(WIDTH, y))
}

/// Draws a row from `top` on, and returns where it ends.
fn panel(svg: &mut Svg, row: &RowReport, top: f64) -> f64 {
    let figures = row.outcomes.iter().filter_map(|outcome| outcome.figures.as_ref());
    let values = figures.flat_map(|figures| [figures.median, figures.min, figures.max]);
    let axis = Decades::spanning(values, LEFT, RIGHT);
    let noisy = if row.noise.is_empty() { "" } else { " (noisy)" };
    svg.text("title", "start", 8.0, top + 22.0, format!("{}{noisy}", row.title()));
    let first = top + TITLE;
    let bottom = first + STEP * row.outcomes.len() as f64;
    for value in axis.ticks() {
        let x = axis.place(value);
        svg.line("grid", [x, first], [x, bottom]);
        svg.text("faint", "middle", x, bottom + 14.0, tick(value));
    }
    for (i, outcome) in row.outcomes.iter().enumerate() {
        bar(svg, &axis, outcome, i == 0, first + STEP * i as f64);
    }
    bottom + AXIS
}

fn bar(svg: &mut Svg, axis: &Decades, outcome: &Outcome, ours: bool, y: f64) {
    let base = y + 16.0;
    svg.text("", "end", LEFT - 8.0, base, outcome.title());
    let Some(Figures { median, min, max, advantage }) = &outcome.figures else {
        svg.text("faint", "start", LEFT + 6.0, base, "missing");
        return;
    };
    let class = match outcome.kind {
        _ if ours => "ours",
        Kind::Contender => "contender",
        Kind::Limit => "limit",
        Kind::Ceiling => "ceiling",
    };
    let middle = y + 3.0 + BAR / 2.0;
    svg.rect(class, [LEFT, y + 3.0], [axis.place(*median) - LEFT, BAR]);
    svg.line("range", [axis.place(*min), middle], [axis.place(*max), middle]);
    let by = match advantage {
        Some(by) if !ours => format!("  (ours is {:.2}x as good)", by.median),
        _ => String::new(),
    };
    svg.text("", "start", RIGHT + 10.0, base, format!("{}{by}", short(*median)));
}
