//! Plots as inline SVG: axes, lines, bands and bars. Colours are classes, so that the page's theme decides.

/// Size of a plot in its own units; the page scales it.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

/// A range of values, its ticks and its label.
#[derive(Debug, Clone)]
pub struct Axis {
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
    label: String,
}

/// A plot to which marks are added; later ones lie over earlier ones.
#[derive(Debug)]
pub struct Plot {
    x: Axis,
    y: Axis,
    marks: String,
}

impl Axis {
    /// An axis of round numbers over all finite `values`, and 0 if `with_zero`.
    pub fn covering(values: impl Iterator<Item = f64>, with_zero: bool, label: &str) -> Self {
        let zero = with_zero.then_some(0.0);
        let (mut from, mut to) = values
            .chain(zero)
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                (a.min(v), b.max(v))
            });
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        if to - from < 1e-12 * to.abs().max(1e-9) {
            (from, to) = (from - 0.5, to + 0.5);
        }
        let step = round_step((to - from) / 5.0);
        let (from, to) = ((from / step).floor() * step, (to / step).ceil() * step);
        let places = (-step.log10()).ceil().max(0.0) as usize;
        let count = ((to - from) / step).round() as usize;
        let ticks = (0..=count)
            .map(|i| from + i as f64 * step)
            // No minus sign before a zero.
            .map(|value| (value, format!("{:.places$}", value + 0.0)))
            .collect();
        Self {
            from,
            to,
            ticks,
            label: label.to_owned(),
        }
    }

    /// An axis over exactly this range; each tick is a value with its text.
    pub fn exact(from: f64, to: f64, ticks: Vec<(f64, String)>, label: &str) -> Self {
        Self {
            from,
            to,
            ticks,
            label: label.to_owned(),
        }
    }
}

impl Plot {
    /// A plot with axes alone.
    pub const fn new(x: Axis, y: Axis) -> Self {
        Self {
            x,
            y,
            marks: String::new(),
        }
    }

    /// A line through the finite ones of these points; `class` is its colour in the style sheet, such as `l1`.
    pub fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let path = self.path(points);
        self.mark(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// The area between two lines, each of `(x, lower, upper)`.
    pub fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let lower = points.iter().map(|(x, lower, _)| (*x, *lower));
        let upper = points.iter().rev().map(|(x, _, upper)| (*x, *upper));
        let path = self.path(lower.chain(upper));
        self.mark(format_args!("<path class=\"band {class}\" d=\"{path}Z\"/>"));
    }

    /// A bar from 0 to `height`, from `left` to `right`.
    pub fn bar(&mut self, class: &str, left: f64, right: f64, height: f64) {
        let (x, y) = (self.at_x(left), self.at_y(height.max(0.0)));
        let (width, tall) = (self.at_x(right) - x, self.at_y(height.min(0.0)) - y);
        self.mark(format_args!(
            "<rect class=\"bar {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\"/>"
        ));
    }

    /// A filled circle at a point.
    pub fn dot(&mut self, class: &str, x: f64, y: f64) {
        let (x, y) = (self.at_x(x), self.at_y(y));
        self.mark(format_args!(
            "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
        ));
    }

    /// A thin level line across the plot.
    pub fn horizontal_line(&mut self, y: f64) {
        let y = self.at_y(y);
        let right = WIDTH - RIGHT;
        self.mark(format_args!(
            "<path class=\"level\" d=\"M{LEFT} {y:.1}H{right}\"/>"
        ));
    }

    /// The plot as an SVG element; `title` is read aloud by screen readers.
    pub fn to_svg(&self, title: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escape(title)
        );
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, text) in &self.y.ticks {
            let y = self.at_y(*value);
            svg.push_str(&format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                escape(text)
            ));
        }
        for ((value, text), index) in self.x.ticks.iter().zip(0..) {
            let x = self.at_x(*value);
            // A narrow screen has room for every other one.
            let class = if index % 2 == 1 { "tick spare" } else { "tick" };
            svg.push_str(&format!(
                "<path class=\"axis\" d=\"M{x:.1} {bottom}v4\"/><text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{}</text>",
                bottom + 17.0,
                escape(text)
            ));
        }
        svg.push_str(&format!(
            "<path class=\"axis\" d=\"M{LEFT} {bottom}H{right}\"/>"
        ));
        svg.push_str(&self.marks);
        svg.push_str(&format!(
            "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"label\" transform=\"translate(11 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text></svg>",
            0.5 * (LEFT + right),
            HEIGHT - 5.0,
            escape(&self.x.label),
            0.5 * (TOP + bottom),
            escape(&self.y.label),
        ));
        svg
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let command = if path.is_empty() { 'M' } else { 'L' };
            path.push_str(&format!("{command}{:.1} {:.1}", self.at_x(x), self.at_y(y)));
        }
        path
    }

    fn mark(&mut self, mark: std::fmt::Arguments<'_>) {
        self.marks.push_str(&mark.to_string());
    }

    fn at_x(&self, value: f64) -> f64 {
        LEFT + fraction_along(&self.x, value) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - fraction_along(&self.y, value) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Text that is safe inside an element and an attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn fraction_along(axis: &Axis, value: f64) -> f64 {
    ((value - axis.from) / (axis.to - axis.from)).clamp(0.0, 1.0)
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|step| step * power >= least * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        let axis = Axis::covering([0.013, 0.094].into_iter(), true, "");
        let names: Vec<&str> = axis.ticks.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]);
        let axis = Axis::covering([3.0, 3.0].into_iter(), false, "");
        assert!(axis.from < 3.0 && axis.to > 3.0);
        let axis = Axis::covering(std::iter::empty(), false, "");
        assert_eq!((axis.from, axis.to), (0.0, 1.0));
    }

    #[test]
    fn names_can_not_break_out_of_the_page() {
        let axis = || Axis::covering([0.0, 1.0].into_iter(), true, "<script>");
        let svg = Plot::new(axis(), axis()).to_svg("\"><b>");
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
    }
}
