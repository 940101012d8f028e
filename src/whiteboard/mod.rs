//! The window. So far it shows an empty board; what it needs of the machine is asked for before anything opens.

mod probe;

use bevy::log::{Level, LogPlugin};
use bevy::prelude::*;
use bevy::winit::WinitSettings;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;

/// The board's background in the dark theme.
const BACKGROUND: Color = Color::srgb_u8(0x15, 0x18, 0x1e);

/// Why there is no window, in one line.
#[derive(Debug)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Open the window, and return when it is closed.
///
/// # Errors
/// Without a display or a graphics driver; nothing was opened then.
pub fn open(file: Option<&Path>) -> Result<ExitCode, Unavailable> {
    probe::display().map_err(Unavailable)?;
    probe::graphics().map_err(Unavailable)?;
    let mut app = without_panic(|| build(file))?;
    Ok(match app.run() {
        AppExit::Success => ExitCode::SUCCESS,
        AppExit::Error(code) => ExitCode::from(code.get()),
    })
}

fn build(file: Option<&Path>) -> App {
    let name = file.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let title = name.map_or("Tailboard".to_owned(), |name| format!("{name} – Tailboard"));
    let window = Window { title, resolution: (1280, 800).into(), ..default() };
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(LogPlugin { level: Level::ERROR, ..default() }),
    )
    .insert_resource(ClearColor(BACKGROUND))
    // A tool that rests costs nothing.
    .insert_resource(WinitSettings::desktop_app())
    .add_systems(Startup, |mut commands: Commands| {
        commands.spawn(Camera2d);
    });
    app
}

/// Winit and the renderer panic where something of the machine is missing that the probes did not ask for (a library of
/// X11, say); that is a reason too.
fn without_panic<T>(f: impl FnOnce() -> T) -> Result<T, Unavailable> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    panic::set_hook(hook);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        let first = text.unwrap_or("no reason given").lines().next().unwrap_or_default();
        Unavailable(format!("the window cannot be opened: {first}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_one_line() {
        let result = without_panic(|| -> () { panic!("no such thing\nand more") });
        let text = result.err().map(|unavailable| unavailable.to_string());
        assert_eq!(text.as_deref(), Some("the window cannot be opened: no such thing"));
    }
}
