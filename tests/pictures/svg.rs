//! Draws a terminal's screen as an SVG picture, and several of them as one that moves.
//!
//! Text is text, in runs of one style at fixed places and of fixed lengths, so that columns stay aligned in whatever
//! monospaced font the reader has. Lines and blocks are drawn as shapes, since fonts leave gaps between them.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// The width of a column, in pixels.
const COLUMN: f64 = 8.4;
/// The height of a row, in pixels.
const ROW: f64 = 18.0;
/// From a row's top to the line that its letters stand on.
const BASELINE: f64 = 13.5;
/// Around the screen.
const MARGIN: f64 = 14.0;
/// The bar above the screen, with the title.
const BAR: f64 = 30.0;

const FOREGROUND: &str = "#d4d8e0";
const BACKGROUND: &str = "#12161d";
const FRAME: &str = "#262c37";

/// The sixteen named colours, as a dark terminal shows them.
const NAMED: [&str; 16] = [
    "#2b303b", "#e0616b", "#8fbf6f", "#e2b95c", "#5c9ded", "#bd83d8", "#4fb8c4", "#c3c8d1", "#6b7280",
    "#f07f88", "#a8d68a", "#f2cd78", "#7fb4f5", "#d09de8", "#6fd0db", "#f4f6fa",
];

/// How a run of cells looks.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of a cell, and they go together in any way"
)]
#[derive(Debug, Clone, PartialEq)]
struct Style {
    foreground: String,
    background: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

/// Neighbouring cells of one style.
struct Run {
    style: Style,
    text: String,
    column: u16,
    columns: u16,
}

/// The picture of a screen, with a title above it.
pub fn picture(screen: &Screen, title: &str) -> String {
    let mut svg = frame(screen, title);
    cells(&mut svg, screen);
    svg.push_str("</svg>\n");
    svg
}

/// The pictures of several screens of one size, each shown for so many seconds, over and over. What does not move shows the
/// first.
pub fn film(frames: &[(Screen, f64)], title: &str) -> String {
    let Some((first, _)) = frames.first() else {
        return String::new();
    };
    let whole: f64 = frames.iter().map(|(_, seconds)| seconds).sum();
    let mut svg = frame(first, title);
    let mut from = 0.0;
    for (number, (screen, seconds)) in frames.iter().enumerate() {
        let to = from + seconds;
        let (begins, ends) = (from / whole, to / whole);
        let (visibility, values, times) = if number == 0 {
            ("visible", "visible;hidden", format!("0;{ends:.5}"))
        } else if number + 1 == frames.len() {
            ("hidden", "hidden;visible", format!("0;{begins:.5}"))
        } else {
            (
                "hidden",
                "hidden;visible;hidden",
                format!("0;{begins:.5};{ends:.5}"),
            )
        };
        let _ = writeln!(
            svg,
            "<g visibility=\"{visibility}\">\n<animate attributeName=\"visibility\" values=\"{values}\" \
             keyTimes=\"{times}\" dur=\"{whole:.1}s\" calcMode=\"discrete\" repeatCount=\"indefinite\"/>"
        );
        cells(&mut svg, screen);
        svg.push_str("</g>\n");
        from = to;
    }
    svg.push_str("</svg>\n");
    svg
}

/// The texts of a picture or a film, in the order that they were drawn in.
pub fn texts(svg: &str) -> Vec<String> {
    let lines = svg.lines().filter(|line| line.starts_with("<text "));
    lines
        .filter_map(|line| {
            let (_, text) = line.strip_suffix("</text>")?.split_once('>')?;
            let text = text.replace("&lt;", "<").replace("&gt;", ">");
            Some(text.replace("&amp;", "&"))
        })
        .collect()
}

fn frame(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let width = f64::from(columns) * COLUMN + 2.0 * MARGIN;
    let height = f64::from(rows) * ROW + BAR + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, \
         monospace\" font-size=\"14\" shape-rendering=\"crispEdges\">\n<title>{title}</title>\n\
         <rect width=\"{width:.1}\" height=\"{height:.1}\" rx=\"9\" fill=\"{FRAME}\"/>\n\
         <rect x=\"1\" y=\"{BAR}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <text x=\"{:.1}\" y=\"20\" text-anchor=\"middle\" fill=\"#9aa2b1\">{title}</text>\n",
        width - 2.0,
        height - BAR - 1.0,
        width / 2.0,
        title = escaped(title),
    )
}

fn cells(svg: &mut String, screen: &Screen) {
    let (rows, columns) = screen.size();
    for row in 0..rows {
        for run in runs(screen, row, columns) {
            draw(svg, &run, row);
        }
    }
}

/// The cells of a row in runs. A shape stands alone, or with more of the same that it touches.
fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen
            .cell(row, column)
            .filter(|cell| !cell.is_wide_continuation())
        else {
            continue;
        };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let style = style(cell);
        let columns = if cell.is_wide() { 2 } else { 1 };
        let joins = |run: &&mut Run| {
            let shapes = is_shape(text) || is_shape(&run.text);
            run.style == style
                && !cell.is_wide()
                && (!shapes || (goes_across(text) && run.text.ends_with(text)))
        };
        match runs.last_mut().filter(joins) {
            Some(run) => {
                run.text.push_str(text);
                run.columns += columns;
            }
            None => runs.push(Run {
                style,
                text: text.to_owned(),
                column,
                columns,
            }),
        }
    }
    runs
}

fn style(cell: &Cell) -> Style {
    let (mut foreground, mut background) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    if cell.inverse() {
        (foreground, background) = (
            Some(background.unwrap_or_else(|| BACKGROUND.into())),
            Some(foreground.unwrap_or_else(|| FOREGROUND.into())),
        );
    }
    Style {
        foreground: foreground.unwrap_or_else(|| FOREGROUND.into()),
        background,
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
    }
}

/// The colour for SVG; `None` for the terminal's own.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Idx(index @ 0..16) => Some(NAMED[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            let (red, green, blue) = (level(index / 36), level(index / 6 % 6), level(index % 6));
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

fn draw(svg: &mut String, run: &Run, row: u16) {
    let (x, y) = (
        MARGIN + f64::from(run.column) * COLUMN,
        BAR + 6.0 + f64::from(row) * ROW,
    );
    let width = f64::from(run.columns) * COLUMN;
    if let Some(background) = &run.style.background {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{ROW}\" fill=\"{background}\"/>"
        );
    }
    if run.text.trim().is_empty() && !run.style.underline {
        return;
    }
    let colour = &run.style.foreground;
    let faded = if run.style.dim { " opacity=\"0.6\"" } else { "" };
    let first: String = run.text.chars().take(1).collect();
    if let Some(path) = shape(&first, x, y, width) {
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\"{faded}/>"
        );
        return;
    }
    if let Some((left, top, wide, high)) = block(&first) {
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"{faded}/>",
            x + left * width,
            y + top * ROW,
            wide * width,
            high * ROW
        );
        return;
    }
    let mut attributes = String::from(faded);
    if run.style.bold {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if run.style.italic {
        attributes.push_str(" font-style=\"italic\"");
    }
    if run.style.underline {
        attributes.push_str(" text-decoration=\"underline\"");
    }
    if run.columns > 1 {
        let _ = write!(
            attributes,
            " textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\""
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\" xml:space=\"preserve\"{attributes}>{}</text>",
        y + BASELINE,
        escaped(&run.text)
    );
}

fn is_shape(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|first| ('\u{2500}'..='\u{259f}').contains(&first))
}

/// Whether a shape reaches from the left side of its cell to the right.
fn goes_across(text: &str) -> bool {
    matches!(text, "─" | "━" | "═" | "█" | "▀")
}

/// The path of a line-drawing character: from the cell's middle to those of its sides that it reaches.
fn shape(text: &str, x: f64, y: f64, width: f64) -> Option<String> {
    const UP: u8 = 1;
    const DOWN: u8 = 2;
    const LEFT: u8 = 4;
    const RIGHT: u8 = 8;
    let sides = match text {
        "─" | "━" | "═" | "╌" | "┄" => LEFT | RIGHT,
        "│" | "┃" | "║" | "╎" | "┆" => UP | DOWN,
        "┌" | "╭" | "┏" | "╔" => DOWN | RIGHT,
        "┐" | "╮" | "┓" | "╗" => DOWN | LEFT,
        "└" | "╰" | "┗" | "╚" => UP | RIGHT,
        "┘" | "╯" | "┛" | "╝" => UP | LEFT,
        "├" | "┣" | "╠" => UP | DOWN | RIGHT,
        "┤" | "┫" | "╣" => UP | DOWN | LEFT,
        "┬" | "┳" | "╦" => DOWN | LEFT | RIGHT,
        "┴" | "┻" | "╩" => UP | LEFT | RIGHT,
        "┼" | "╋" | "╬" => UP | DOWN | LEFT | RIGHT,
        _ => return None,
    };
    let (middle, centre) = (x + width / 2.0, y + ROW / 2.0);
    let ends = [
        (UP, middle, y),
        (DOWN, middle, y + ROW),
        (LEFT, x, centre),
        (RIGHT, x + width, centre),
    ];
    let mut path = String::new();
    for (side, to_x, to_y) in ends {
        if sides & side != 0 {
            let _ = write!(path, "M{middle:.1} {centre:.1}L{to_x:.1} {to_y:.1}");
        }
    }
    Some(path)
}

/// The part of its cell that a block character fills: left, top, width and height, each from 0 to 1.
fn block(text: &str) -> Option<(f64, f64, f64, f64)> {
    let eighths = |from: char| {
        let character = text.chars().next()?;
        let step = u32::from(character).checked_sub(u32::from(from))?;
        Some(f64::from(step) / 8.0)
    };
    match text.chars().next()? {
        '█' => Some((0.0, 0.0, 1.0, 1.0)),
        '▀' => Some((0.0, 0.0, 1.0, 0.5)),
        '▐' => Some((0.5, 0.0, 0.5, 1.0)),
        '▁'..='▇' => eighths('▀').map(|part| (0.0, 1.0 - part, 1.0, part)),
        '▉'..='▏' => eighths('█').map(|part| (0.0, 0.0, 1.0 - part, 1.0)),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
