//! A page with plots: one file that needs nothing else, light and dark, on a desktop and on a phone.

use crate::svg::{Plot, escape};

/// Name of the page's file in a folder of reports.
pub const PAGE_FILE: &str = "report.html";

/// Light and dark, by what the reader's system prefers.
const STYLE: &str = include_str!("page.css");

/// The whole document; `title` is text, `body` is HTML that stands below it.
pub fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A plot with its title, a caption that says how to read it, and a [`legend`] or nothing.
pub fn figure(title: &str, caption: &str, plot: &Plot, legend: &str) -> String {
    format!(
        "<figure><h3>{}</h3><figcaption>{}</figcaption>{}{legend}</figure>\n",
        escape(title),
        escape(caption),
        plot.to_svg(title)
    )
}

/// Figures side by side, as many as the screen has room for.
pub fn figure_grid(figures: &str) -> String {
    format!("<div class=\"plots\">\n{figures}</div>\n")
}

/// Names with their colours, which are numbers of the style sheet: `f1` fills what `l1` draws.
pub fn legend<'a>(entries: impl IntoIterator<Item = (usize, &'a str)>) -> String {
    let items = entries.into_iter().map(|(colour, name)| {
        format!(
            "<li><svg viewBox=\"0 0 14 10\" aria-hidden=\"true\"><rect class=\"f{colour}\" y=\"3\" width=\"14\" height=\"4\"/></svg>{}</li>",
            escape(name)
        )
    });
    format!("<ul class=\"legend\">{}</ul>", items.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::Axis;

    #[test]
    fn a_page_is_whole_and_shows_text_as_text() {
        let axis = || Axis::covering([0.0, 1.0].into_iter(), true, "x");
        let plot = Plot::new(axis(), axis());
        let figure = figure("a < b", "c & d", &plot, &legend([(3, "<b>")]));
        let page = page("<i>", &figure_grid(&figure));
        assert!(page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"));
        assert!(page.contains("<title>&lt;i&gt;</title>") && page.contains("<h1>&lt;i&gt;</h1>"));
        assert!(page.contains("<h3>a &lt; b</h3><figcaption>c &amp; d</figcaption><svg"));
        assert!(
            page.contains("class=\"f3\"") && page.contains("</svg>&lt;b&gt;</li></ul></figure>")
        );
    }
}
