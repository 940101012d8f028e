//! Pictures from the window: the figure of what is drawn and run, with the scenario in it.

use super::app::App;
use crate::design::Design;
use crate::export::{carried, is_free, output};
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

    /// Write the picture, and say where it is.
    ///
    /// # Errors
    /// Why it was not written, in a sentence.
    pub fn write(&self, app: &App) -> Result<String, String> {
        let path = Path::new(&self.path).with_extension(self.format.extension());
        if app.files.is_at(&path) {
            let path = path.display();
            return Err(format!("The picture was not written: {path} is the scenario; name another file"));
        }
        if !is_free(&path) {
            let path = path.display();
            return Err(format!(
                "The picture was not written: {path} is there already, and not a picture of a run; name another file"
            ));
        }
        let bytes = snapshot(app).and_then(|snapshot| {
            let selection = self.selection.then(|| app.editor.selection().nodes.clone());
            draw(&snapshot, &self.look, self.format, self.scale, selection.as_deref())
        });
        let written = bytes.and_then(|bytes| output::replace(&path, &bytes));
        match written {
            Ok(()) => Ok(format!("Wrote {}{}", path.display(), doubt(app))),
            Err(problem) => Err(format!("The picture was not written: {problem}")),
        }
    }
}

/// What is not to be seen in the picture, if something is not.
fn doubt(app: &App) -> &'static str {
    if app.stuck().is_some() { ", of the design as it ran last: as it is drawn now, it cannot run" } else { "" }
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
    let verdicts = judge(&snapshot.design, &snapshot.recorder);
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

/// A picture beside the scenario, as [`Export::write`].
pub fn beside(app: &App) -> Result<String, String> {
    let export = Export { look: as_seen(app), path: app.files.picture("png"), ..Export::default() };
    export.write(app)
}

/// A picture on the clipboard; or why it is not there.
pub fn copy(app: &mut App) -> Result<String, String> {
    let drawn = snapshot(app)
        .and_then(|snapshot| draw(&snapshot, &as_seen(app), Format::Png, 2.0, None))
        .and_then(|bytes| pixels(&bytes));
    let copied = drawn.and_then(|image| app.clipboard.get()?.set_image(image).map_err(|error| error.to_string()));
    match copied {
        Ok(()) => Ok(format!("The picture is on the clipboard{}", doubt(app))),
        Err(problem) => Err(format!("The picture was not copied: {problem}")),
    }
}

/// The pixels of a PNG, with four bytes each: that is what a clipboard takes, whatever the file has.
fn pixels(bytes: &[u8]) -> Result<arboard::ImageData<'static>, String> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(info.buffer_size());
    let each = info.color_type.samples();
    let rgba = |pixel: &[u8]| match *pixel {
        [r, g, b, a] => [r, g, b, a],
        [r, g, b] => [r, g, b, 255],
        [grey, a] => [grey, grey, grey, a],
        _ => [pixel[0], pixel[0], pixel[0], 255],
    };
    let bytes: Vec<u8> = pixels.chunks_exact(each).flat_map(rgba).collect();
    Ok(arboard::ImageData { width: info.width as usize, height: info.height as usize, bytes: bytes.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Background;
    use crate::whiteboard::files::Files;

    /// Opaque or not, what is on the clipboard has four bytes a pixel and the colours of the picture.
    #[test]
    fn a_picture_on_the_clipboard_is_as_it_was_drawn() {
        let design = crate::scenario::read_str(include_str!("../../scenarios/kinds/cache.ron")).drawing;
        let app = App::new(design.expect("a design"), Files::new(None, None, None), Arc::new(|| {}));
        let snapshot = snapshot(&app).expect("it runs");
        for (background, corner) in [(Background::White, [255, 255, 255, 255]), (Background::None, [0, 0, 0, 0])] {
            let look = Look { background, ..as_seen(&app) };
            let file = draw(&snapshot, &look, Format::Png, 1.0, None).expect("a picture");
            let image = pixels(&file).expect("its pixels");
            assert!(image.width > 100 && image.height > 100);
            assert_eq!(image.bytes.len(), 4 * image.width * image.height);
            assert_eq!(image.bytes[..4], corner, "{background:?}");
            assert!(image.bytes.chunks_exact(4).any(|pixel| pixel[3] == 255 && pixel[..3] != corner[..3]));
        }
    }
}
