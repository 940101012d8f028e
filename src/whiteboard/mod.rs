//! The window: Bevy opens it and gives it to egui, which draws panels and board. What it needs of the machine is asked for
//! before anything opens.

mod app;
mod board;
mod breaking;
#[cfg(test)]
mod by_hand;
mod canvas;
#[cfg(test)]
mod crash;
mod export;
mod files;
mod findings;
pub mod headless;
mod hit;
mod keyboard;
mod messages;
mod modifiers;
mod motion;
mod panels;
mod probe;
mod questions;
mod reader;
mod settings;
mod theme;
mod view;

use crate::scenario;
use app::App as Whiteboard;
use bevy::log::{Level, LogPlugin};
use bevy::prelude::*;
use bevy::render::error_handler::{ErrorType, RenderError, RenderErrorHandler, RenderErrorPolicy};
use bevy::window::{Monitor, PrimaryMonitor, WindowCloseRequested, WindowPlugin};
use bevy::winit::{EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass, PrimaryEguiContext};
use egui::{LayerId, UiBuilder};
use files::Files;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is open when nothing was asked for.
const FIRST: &str = include_str!("../../scenarios/url_shortener.ron");

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
/// Without a display or a graphics driver, or if the file cannot be drawn; nothing was opened then.
pub fn open(file: Option<&Path>) -> Result<ExitCode, Unavailable> {
    probe::display().map_err(Unavailable)?;
    probe::graphics().map_err(Unavailable)?;
    let mut app = without_panic(|| build(file))?;
    Ok(match app.run() {
        AppExit::Success => ExitCode::SUCCESS,
        AppExit::Error(code) => ExitCode::from(code.get()),
    })
}

/// The system wants the program to end (SIGTERM, SIGINT, SIGHUP).
static TOLD_TO_END: AtomicBool = AtomicBool::new(false);
/// What a shell makes of such an end.
const TERMINATED: u8 = 143;

/// Let the system's wish to end the program reach the next frame, which it brings about.
fn listen(wake: Arc<dyn Fn() + Send + Sync>) {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let told = move || {
            let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
            for _ in &mut signals {
                TOLD_TO_END.store(true, Ordering::Relaxed);
                wake();
            }
        };
        // Without the thread the program ends at once, and the journal stays.
        std::thread::Builder::new().name("signals".to_owned()).spawn(told).ok();
    }
    #[cfg(not(unix))]
    drop(wake);
}

/// How the thread of the run wakes the window. The event loop is there only once the app has been built.
type Wake = Arc<Mutex<Option<bevy::winit::EventLoopProxy<WinitUserEvent>>>>;

fn build(file: Option<&Path>) -> App {
    let window = Window { title: "Tailboard".to_owned(), resolution: (1440, 900).into(), ..default() };
    let wake = Wake::default();
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            // Closing asks first.
            .set(WindowPlugin { primary_window: Some(window), close_when_requested: false, ..default() })
            .set(LogPlugin { level: Level::ERROR, ..default() }),
    )
    .add_plugins(EguiPlugin::default())
    // A tool that rests costs nothing: it draws when something happens, in the window or in the run.
    .insert_resource(WinitSettings {
        focused_mode: UpdateMode::reactive(Duration::from_secs(5)),
        unfocused_mode: UpdateMode::reactive_low_power(Duration::from_secs(60)),
    })
    .insert_resource(RenderErrorHandler(graphics_failed))
    .insert_non_send(whiteboard(file, &wake))
    .add_systems(Startup, move |mut commands: Commands, proxy: Res<EventLoopProxyWrapper>| {
        commands.spawn(Camera2d);
        *wake.lock().unwrap_or_else(PoisonError::into_inner) = Some((**proxy).clone());
    })
    .init_resource::<modifiers::Held>()
    .add_systems(PreUpdate, modifiers::systems())
    .add_systems(Update, fit)
    .add_systems(EguiPrimaryContextPass, draw);
    app
}

/// Beside and around a window on a small screen, in pixels at 100 %: its frame and title bar, and a bar of the system.
const AROUND: (f32, f32) = (16.0, 80.0);
const SMALLEST: (u32, u32) = (640, 480);

/// How large a window is on a screen, in pixels: as it is, where there is room for it with what is around it.
fn fitting(present: UVec2, screen: UVec2, scale: f32) -> UVec2 {
    let around = UVec2::new((AROUND.0 * scale) as u32, (AROUND.1 * scale) as u32);
    present.min(screen.saturating_sub(around).max(SMALLEST.into()))
}

/// On a small screen the window leaves room for what is around it: not every system sees to that, and then the bar of the
/// run would be off the screen.
fn fit(monitors: Query<(&Monitor, Has<PrimaryMonitor>)>, mut windows: Query<&mut Window>, mut is_done: Local<bool>) {
    if *is_done {
        return;
    }
    let Some((screen, _)) = monitors.iter().max_by_key(|(_, is_primary)| *is_primary) else { return };
    let Ok(mut window) = windows.single_mut() else { return };
    *is_done = true;
    let (present, room) = (window.physical_size(), UVec2::new(screen.physical_width, screen.physical_height));
    let fitting = fitting(present, room, screen.scale_factor as f32);
    if fitting != present && room.min_element() > 0 {
        window.resolution.set_physical_resolution(fitting.x, fitting.y);
        window.position = WindowPosition::At(screen.physical_position);
    }
}

/// The whiteboard with a file in it, or with the first design; what is wrong with the file is said in the window.
fn whiteboard(file: Option<&Path>, wake: &Wake) -> Whiteboard {
    let wake = wake.clone();
    let wake = Arc::new(move || {
        if let Some(proxy) = &*wake.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody is left to be woken when the window has gone.
            proxy.send_event(WinitUserEvent::WakeUp).ok();
        }
    });
    listen(wake.clone());
    let state = Files::state_folder();
    let first = || scenario::read_str(FIRST).drawing.unwrap_or_default();
    let mut files = Files::new(None, None, state.as_deref());
    let (design, problem) = match file.map(|path| files.open_first(path)) {
        Some(Ok(design)) => (design, None),
        Some(Err(problem)) => (first(), Some(problem)),
        None => (first(), None),
    };
    let mut whiteboard = Whiteboard::new(design, files, wake);
    if let Some(problem) = problem {
        whiteboard.complain(problem, 0.0);
    }
    whiteboard
}

/// One frame.
fn draw(
    mut whiteboard: NonSendMut<Whiteboard>,
    mut contexts: EguiContexts,
    mut windows: Query<&mut Window>,
    mut closing: MessageReader<WindowCloseRequested>,
    mut exit: MessageWriter<AppExit>,
    mut has_fonts: Local<bool>,
    new: Query<Entity, Added<PrimaryEguiContext>>,
) -> Result {
    let ctx = contexts.ctx_mut()?.clone();
    if !std::mem::replace(&mut *has_fonts, true) || !new.is_empty() {
        ctx.set_fonts(canvas::fonts());
        app::configure(&ctx);
        // Fonts come with the next pass.
        ctx.request_repaint();
        return Ok(());
    }
    let builder = UiBuilder::new().layer_id(LayerId::background()).max_rect(ctx.viewport_rect());
    let mut ui = egui::Ui::new(ctx.clone(), "window".into(), builder);
    let now = ui.input(|input| input.time);
    if closing.read().count() > 0 {
        whiteboard.close(now);
    }
    whiteboard.ui(&mut ui);
    if let Ok(mut window) = windows.single_mut() {
        let title = whiteboard.title();
        if window.title != title {
            window.title = title;
        }
    }
    if whiteboard.quit {
        whiteboard.files.close();
        exit.write(AppExit::Success);
    } else if TOLD_TO_END.load(Ordering::Relaxed) {
        // Nobody can be asked: what is not saved is offered at the next start.
        whiteboard.leave();
        exit.write(AppExit::from_code(TERMINATED));
    }
    Ok(())
}

/// The graphics device is lost, or does not do what it should: without it nothing can be shown or asked, so the program
/// ends. The journal is not closed, so that the work is offered again at the next start.
fn graphics_failed(error: &RenderError, main: &mut World, _: &mut World) -> RenderErrorPolicy {
    let what = match error.ty {
        ErrorType::DeviceLost => "the graphics device was lost",
        ErrorType::OutOfMemory => "the graphics device has no memory left",
        _ => "the graphics driver reports an error",
    };
    let first = error.description.lines().next().unwrap_or_default();
    eprintln!("tailboard: {what} ({first}); what was being drawn is kept, and offered at the next start");
    main.write_message(AppExit::error());
    RenderErrorPolicy::StopRendering
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
    fn a_lost_device_ends_the_program_and_says_so() {
        let (mut main, mut render) = (World::new(), World::new());
        main.init_resource::<Messages<AppExit>>();
        let error = RenderError { ty: ErrorType::DeviceLost, description: "unplugged".to_owned(), source: None };
        let policy = graphics_failed(&error, &mut main, &mut render);
        assert!(matches!(policy, RenderErrorPolicy::StopRendering));
        let exits: Vec<AppExit> = main.resource_mut::<Messages<AppExit>>().drain().collect();
        assert_eq!(exits, [AppExit::error()]);
    }

    #[test]
    fn a_window_leaves_room_around_it() {
        let of = |screen: (u32, u32), scale| fitting(UVec2::new(1440, 900), screen.into(), scale);
        assert_eq!(of((1920, 1080), 1.0), UVec2::new(1440, 900));
        assert_eq!(of((1440, 900), 1.0), UVec2::new(1424, 820));
        assert_eq!(of((1280, 720), 1.0), UVec2::new(1264, 640));
        assert_eq!(of((1920, 1080), 2.0), UVec2::new(1440, 900));
        assert_eq!(of((320, 240), 1.0), UVec2::new(640, 480), "smaller is of no use");
    }

    #[test]
    fn a_panic_becomes_one_line() {
        let result = without_panic(|| -> () { panic!("no such thing\nand more") });
        let text = result.err().map(|unavailable| unavailable.to_string());
        assert_eq!(text.as_deref(), Some("the window cannot be opened: no such thing"));
    }
}
