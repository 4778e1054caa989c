//! A curve of growth, on two logarithmic axes, with the ideal beside it.

use super::svg::{Decades, Svg, tick};
use crate::growth::{Curve, Point};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 320.0;

pub(super) fn draw(curve: &Curve) -> String {
    let mut svg = Svg::new();
    let values = curve.points.iter().flat_map(|p| [p.median, p.min, p.max, p.ideal]);
    let x = Decades::spanning(curve.points.iter().map(|p| p.at as f64), LEFT, RIGHT);
    let y = Decades::spanning(values, BOTTOM, TOP);
    let place = |at: usize, value: f64| [x.place(at as f64), y.place(value)];
    svg.text("title", "start", 8.0, 22.0, format!("{} ({})", curve.about, curve.unit));
    for value in y.ticks() {
        svg.line("grid", [LEFT, y.place(value)], [RIGHT, y.place(value)]);
        svg.text("faint", "end", LEFT - 8.0, y.place(value) + 4.0, tick(value));
    }
    for Point { at, median, min, max, .. } in &curve.points {
        let [middle, height] = place(*at, *median);
        svg.line("grid", [middle, TOP], [middle, BOTTOM]);
        svg.line("range", place(*at, *min), place(*at, *max));
        svg.dot("ours", [middle, height]);
        svg.text("faint", "middle", middle, BOTTOM + 18.0, tick(*at as f64));
    }
    svg.polyline("ideal", curve.points.iter().map(|p| place(p.at, p.ideal)));
    svg.polyline("line", curve.points.iter().map(|p| place(p.at, p.median)));
    let legend = format!("{} (dashed: the ideal)", curve.of);
    svg.text("faint", "middle", f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0, legend);
    svg.finish(WIDTH, HEIGHT)
}
