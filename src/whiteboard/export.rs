//! Pictures from the window: the figure of what is drawn and run, with the scenario in it.

use super::app::App;
use crate::design::Design;
use crate::export::{carried, output};
use crate::figure::{self, Look, Shown};
use crate::metrics::Frame;
use crate::run::{Snapshot, judge};
use crate::scenario::picture::{embed_png, embed_svg};
use crate::scenario::write_str;
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
        }
    }
}

/// What is asked for in the dialog.
pub struct Export {
    pub format: Format,
    pub scale: f64,
    pub look: Look,
    pub selection: bool,
    pub path: String,
}

impl Default for Export {
    fn default() -> Self {
        Export { format: Format::Png, scale: 2.0, look: Look::default(), selection: false, path: String::new() }
    }
}

impl Export {
    /// Another format, and a name that says so.
    pub fn set_format(&mut self, format: Format) {
        let path = Path::new(&self.path);
        if path.extension().is_some_and(|extension| extension == self.format.extension()) {
            self.path = path.with_extension(format.extension()).display().to_string();
        }
        self.format = format;
    }

    /// Write the picture, and say what came of it.
    pub fn write(&self, app: &App) -> String {
        let path = Path::new(&self.path).with_extension(self.format.extension());
        if app.files.is_at(&path) {
            return format!("The picture was not written: {} is the scenario; name another file", path.display());
        }
        let bytes = snapshot(app).and_then(|snapshot| {
            let selection = self.selection.then(|| app.editor.selection().nodes.clone());
            draw(&snapshot, &self.look, self.format, self.scale, selection.as_deref())
        });
        let written = bytes.and_then(|bytes| output::replace(&path, &bytes));
        match written {
            Ok(()) => format!("Wrote {}{}", path.display(), doubt(app)),
            Err(problem) => format!("The picture was not written: {problem}"),
        }
    }
}

/// What is not to be seen in the picture, if something is not.
fn doubt(app: &App) -> &'static str {
    let cannot_run = app.snapshot.as_ref().is_some_and(|snapshot| snapshot.problem.is_some());
    if cannot_run && !crate::design::checks::is_runnable(&app.findings.all) {
        ", of the design as it ran last: as it is drawn now, it cannot run"
    } else {
        ""
    }
}

fn snapshot(app: &App) -> Result<Arc<Snapshot>, String> {
    app.snapshot.clone().ok_or_else(|| "the design does not run".to_owned())
}

/// A picture as a file.
fn draw(
    snapshot: &Snapshot,
    look: &Look,
    format: Format,
    scale: f64,
    only: Option<&[String]>,
) -> Result<Vec<u8>, String> {
    let (design, frame) = match only {
        None => ((*snapshot.design).clone(), (*snapshot.frame).clone()),
        Some(names) => part(&snapshot.design, &snapshot.frame, names),
    };
    let verdicts = judge(&snapshot.design, &snapshot.recorder, &snapshot.report);
    let holding = verdicts.iter().filter(|verdict| verdict.holds).count();
    let shown = Shown {
        design: &design,
        frame: &frame,
        report: &snapshot.report,
        series: snapshot.recorder.series(),
        asked: &[],
        // What is expected of the whole run is not known before its end.
        verdicts: snapshot.over.then_some((holding, verdicts.len())),
    };
    let scene = figure::scene(&shown, look);
    let text = write_str(&snapshot.design)? + "\n";
    let carried = carried(text, &snapshot.report, &verdicts);
    let problem = |problem: crate::scenario::picture::PictureError| problem.to_string();
    match format {
        Format::Svg => {
            embed_svg(&figure::svg(&scene, &design.title, None), &carried).map(String::into_bytes).map_err(problem)
        }
        Format::Png => embed_png(&figure::png(&scene, &design.title, None, scale)?, &carried).map_err(problem),
    }
}

/// What is selected, and the links between.
fn part(design: &Design, frame: &Frame, names: &[String]) -> (Design, Frame) {
    let (mut design, mut frame) = (design.clone(), frame.clone());
    design.nodes.retain(|name, _| names.contains(name));
    design.links.retain(|link| names.contains(&link.from) && names.contains(&link.to));
    frame.nodes.retain(|node| names.contains(&node.name));
    let links: Vec<String> = design.links.iter().map(crate::design::LinkSpec::name).collect();
    frame.links.retain(|link| links.contains(&link.name));
    // Dots are numbered by the links of the whole.
    frame.tokens.clear();
    (design, frame)
}

/// The look of a picture made without being asked: that of the window.
pub fn as_seen(app: &App) -> Look {
    Look { theme: app.look.theme_name(), lens: app.lens, ..Look::default() }
}

/// A picture beside the scenario.
pub fn beside(app: &App) -> String {
    let export = Export { look: as_seen(app), path: app.files.picture("png"), ..Export::default() };
    export.write(app)
}

/// A picture on the clipboard.
pub fn copy(app: &mut App) -> String {
    let drawn = snapshot(app)
        .and_then(|snapshot| draw(&snapshot, &as_seen(app), Format::Png, 2.0, None))
        .and_then(|bytes| pixels(&bytes));
    let copied = drawn.and_then(|image| app.clipboard.get()?.set_image(image).map_err(|error| error.to_string()));
    match copied {
        Ok(()) => format!("The picture is on the clipboard{}", doubt(app)),
        Err(problem) => format!("The picture was not copied: {problem}"),
    }
}

fn pixels(bytes: &[u8]) -> Result<arboard::ImageData<'static>, String> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().map_err(|error| error.to_string())?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(info.buffer_size());
    if info.color_type != png::ColorType::Rgba {
        return Err("its colours are not as expected".to_owned());
    }
    Ok(arboard::ImageData { width: info.width as usize, height: info.height as usize, bytes: pixels.into() })
}
