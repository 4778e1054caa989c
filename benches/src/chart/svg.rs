//! SVG, as much of it as the charts need. Text and lines have a colour for light and one for dark
//! backgrounds; the background itself is left to the page.

use std::fmt::{Display, Write};

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.faint { fill: #656d76; font-size: 11px; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.range { stroke: #24292f; stroke-width: 1.5; opacity: 0.6; }
.ours { fill: #0969da; }
.contender { fill: #8c959f; }
.limit, .ceiling { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.ceiling { stroke-dasharray: 4 3; }
.line { fill: none; stroke: #0969da; stroke-width: 2; }
.ideal { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.faint { fill: #9198a1; }
.grid { stroke: #3d444d; }
.range { stroke: #e6edf3; }
.ours { fill: #4493f8; }
.line { stroke: #4493f8; }
}";

/// A picture in the making.
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { body: String::new() }
    }

    pub(super) fn text(&mut self, class: &str, anchor: &str, x: f64, y: f64, text: impl Display) {
        let text = escape(&text.to_string());
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        );
    }

    pub(super) fn rect(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2"/>"#
        );
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    pub(super) fn dot(&mut self, class: &str, [x, y]: [f64; 2]) {
        let _ = writeln!(self.body, r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4"/>"#);
    }

    pub(super) fn polyline(&mut self, class: &str, points: impl Iterator<Item = [f64; 2]>) {
        let points: Vec<_> = points.map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }

    pub(super) fn finish(self, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
             <style>{STYLE}</style>\n{}</svg>\n",
            self.body
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A logarithmic axis from one power of ten to another.
pub(super) struct Decades {
    first: i32,
    last: i32,
    from: f64,
    to: f64,
}

impl Decades {
    /// Spans what is given, from the place `from` to the place `to`.
    pub(super) fn spanning(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let logs = values.filter(|value| *value > 0.0 && value.is_finite()).map(f64::log10);
        let (least, most) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), log| {
            (least.min(log), most.max(log))
        });
        let first = if least.is_finite() { least.floor() as i32 } else { 0 };
        let last = if most.is_finite() { most.ceil() as i32 } else { 1 };
        Self { first, last: last.max(first + 1), from, to }
    }

    /// Where that value is.
    pub(super) fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        self.from + part * (self.to - self.from)
    }

    /// The powers of ten on it.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        (self.first..=self.last).map(|power| 10_f64.powi(power))
    }
}

/// A power of ten, as on an axis.
pub(super) fn tick(value: f64) -> String {
    let (value, suffix) = match value {
        v if v >= 9e8 => (v / 1e9, "G"),
        v if v >= 9e5 => (v / 1e6, "M"),
        v if v >= 9e2 => (v / 1e3, "k"),
        v => (v, ""),
    };
    // Rounding: 10^-3 is not exactly 0.001.
    format!("{}{suffix}", (value * 1e9).round() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_hold_all_that_they_span() {
        let axis = Decades::spanning([0.02, 5.0, 300.0].into_iter(), 0.0, 100.0);
        let ticks: Vec<_> = axis.ticks().map(tick).collect();
        assert_eq!(ticks, ["0.01", "0.1", "1", "10", "100", "1k"]);
        assert!((axis.place(0.01) - 0.0).abs() < 1e-9);
        assert!((axis.place(1000.0) - 100.0).abs() < 1e-9);
        assert!((axis.place(1.0) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn names_cannot_break_the_picture() {
        let mut svg = Svg::new();
        svg.text("title", "start", 0.0, 0.0, "Vec<u8> & more");
        assert!(svg.finish(1.0, 1.0).contains(">Vec&lt;u8&gt; &amp; more</text>"));
    }
}
