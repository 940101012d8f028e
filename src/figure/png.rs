//! Scenes as PNG, painted by the processor.

use super::scene::Scene;
use super::svg;
use resvg::{tiny_skia, usvg};

/// The most pixels of a picture: 400 MB while it is painted.
const MOST_PIXELS: f64 = 100e6;

/// A scene as a PNG file, so many times as large as its pixels at 100 %. With `size` (before scaling) it is drawn as
/// large as fits there, in the middle.
///
/// # Errors
/// If the picture would have more than 100 million pixels, or none.
pub fn write(scene: &Scene, title: &str, size: Option<(u32, u32)>, scale: f64) -> Result<Vec<u8>, String> {
    let (width, height) = size.map_or((scene.width, scene.height), |(w, h)| (f64::from(w), f64::from(h)));
    let (width, height) = ((width * scale).round(), (height * scale).round());
    if width < 1.0 || height < 1.0 || width * height > MOST_PIXELS {
        return Err(format!("a picture of {width} by {height} pixels cannot be painted: at most 100 million"));
    }
    let tree = usvg::Tree::from_str(&svg::write(scene, title, size), &usvg::Options::default())
        .map_err(|error| format!("the picture cannot be painted: {error}"))?;
    let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or("the picture has no pixels")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale as f32, scale as f32), &mut pixels.as_mut());
    encoded(&pixels, scene.background.is_some()).map_err(|error| format!("the picture cannot be written: {error}"))
}

/// The pixels as a file; an opaque picture has no use for transparency. Fast, because a picture of flat areas is small
/// with little effort too.
fn encoded(pixels: &tiny_skia::Pixmap, is_opaque: bool) -> Result<Vec<u8>, ::png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(if is_opaque { ::png::ColorType::Rgb } else { ::png::ColorType::Rgba });
    encoder.set_compression(::png::Compression::Fast);
    let mut bytes = Vec::with_capacity(pixels.data().len());
    for pixel in pixels.pixels() {
        if is_opaque {
            bytes.extend_from_slice(&[pixel.red(), pixel.green(), pixel.blue()]);
        } else {
            let color = pixel.demultiply();
            bytes.extend_from_slice(&[color.red(), color.green(), color.blue(), color.alpha()]);
        }
    }
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(file)
}
