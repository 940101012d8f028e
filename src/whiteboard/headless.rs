//! The whiteboard without a window: it is given events and draws into nothing. For benches, and for tests that drive it as
//! a person would.

use super::app::{self, App};
use super::canvas;
use super::files::Files;
use crate::design::Design;
use egui::{Event, RawInput, Rect, Vec2, pos2};
use std::sync::Arc;

/// A whiteboard of a size, in points.
pub struct Headless {
    pub(super) ctx: egui::Context,
    pub(super) app: App,
    pub(super) time: f64,
    pub(super) size: Vec2,
}

/// What a frame has cost to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Corners of triangles.
    pub vertices: usize,
    /// Calls that are seen moving.
    pub dots: usize,
}

impl Headless {
    /// With a design in it, which plays, and no file.
    pub fn new(design: Design, size: Vec2) -> Headless {
        Headless::with_files(design, Files::new(None, None, None), size)
    }

    pub(super) fn with_files(design: Design, files: Files, size: Vec2) -> Headless {
        let ctx = egui::Context::default();
        ctx.set_fonts(canvas::fonts());
        app::configure(&ctx);
        let app = App::new(design, files, Arc::new(|| {}));
        let mut headless = Headless { ctx, app, time: 0.0, size };
        // Fonts come with the second frame.
        headless.frame(0.0, Vec::new());
        headless.frame(0.0, Vec::new());
        headless
    }

    /// A frame, so many seconds after the last, with what was done meanwhile.
    pub fn frame(&mut self, after: f64, events: Vec<Event>) -> Cost {
        self.time += after;
        let screen = Rect::from_min_size(pos2(0.0, 0.0), self.size);
        let input = RawInput { screen_rect: Some(screen), time: Some(self.time), events, ..RawInput::default() };
        let mut output = self.ctx.clone().run_ui(input, |ui| self.app.ui(ui));
        // There is no screen to put them on.
        output.textures_delta.clear();
        // What would be painted is painted: a shape that cannot be would panic here.
        let meshes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let vertices = meshes.iter().map(|primitive| match &primitive.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
            egui::epaint::Primitive::Callback(_) => 0,
        });
        Cost { vertices: vertices.sum(), dots: self.app.dots }
    }

    /// How far the run is, in simulated seconds.
    pub fn simulated(&self) -> f64 {
        self.app.snapshot.as_ref().map_or(0.0, |snapshot| snapshot.now.as_secs())
    }

    /// What the recording of the run takes, in bytes: its windows, and its segments.
    pub fn recorded(&self) -> (usize, usize) {
        self.app.snapshot.as_ref().map_or((0, 0), |snapshot| snapshot.recorder.series().bytes())
    }

    /// See the board at a zoom, about the middle of the window.
    pub fn set_zoom(&mut self, zoom: f32) {
        let middle = self.app.screen.center();
        self.app.view.zoom_at(middle, zoom / self.app.view.zoom);
    }

    /// Play at so many simulated seconds per second.
    pub fn set_speed(&self, times: f64) {
        if let Some(runner) = &self.app.runner {
            runner.set_speed(crate::run::Speed::Times(times));
        }
    }
}
