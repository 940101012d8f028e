//! The whiteboard, whatever window it is in: what is edited, what runs, and what is shown of both.

use super::canvas::Printer;
use super::files::{Done, Files, Question};
use super::findings::Findings;
use super::hit::Targets;
use super::messages::Messages;
use super::motion::Motion;
use super::panels::{self, Popup};
use super::settings::{Keeper, Settings};
use super::theme::{self, Look};
use super::view::View;
use crate::design::Design;
use crate::editor::{Area, CARD, Edit, Editor, Effect, Hit, Point, WindowAction, Wired, actions};
use crate::figure::Lens;
use crate::figure::board::Memory;
use crate::run::{Runner, Snapshot, Speed};
use egui::{Pos2, Rect, Ui};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Speeds to which one key press leads, from one to the next a factor of two.
const SLOWEST: f64 = Speed::SLOWEST;
const FASTEST: f64 = 4_096.0;

/// What egui must know before the first frame.
pub fn configure(ctx: &egui::Context) {
    ctx.options_mut(|options| {
        options.zoom_with_keyboard = false;
        // A field is done with when another thing is pressed, not when that is released: what was typed is then taken
        // before the press changes what the field is about.
        options.input_options.surrender_focus_on = egui::SurrenderFocusOn::Presses;
    });
}

/// The system's clipboard, opened when it is first needed and kept: where no clipboard manager takes it over, a picture
/// is there only as long as whoever put it there.
#[derive(Default)]
pub struct Clipboard(Option<arboard::Clipboard>);

impl Clipboard {
    pub fn get(&mut self) -> Result<&mut arboard::Clipboard, String> {
        if self.0.is_none() {
            self.0 = Some(arboard::Clipboard::new().map_err(|error| error.to_string())?);
        }
        self.0.as_mut().ok_or_else(|| "there is none".to_owned())
    }
}

/// Which panels are there, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panels {
    pub palette: bool,
    pub inspector: bool,
    pub plots: bool,
    pub grid: bool,
    pub palette_width: f32,
    pub side_width: f32,
    pub plots_height: f32,
    /// Nothing but the board; not for the next time.
    #[serde(skip)]
    pub bare: bool,
}

impl Default for Panels {
    fn default() -> Self {
        Panels {
            palette: true,
            inspector: true,
            plots: true,
            grid: true,
            palette_width: 176.0,
            side_width: 304.0,
            plots_height: 230.0,
            bare: false,
        }
    }
}

pub struct App {
    pub editor: Editor,
    pub runner: Option<Runner>,
    /// Why there is none, where it is not for what the checks say.
    pub unstarted: Option<String>,
    pub snapshot: Option<Arc<Snapshot>>,
    pub findings: Arc<Findings>,
    /// The design that the run thread was given last.
    given: Arc<Design>,
    /// How many of the things done by hand are on the timeline, of which run.
    taken: (u64, usize),
    pub view: View,
    /// Where the board is on the screen, and whether all of it was shown once.
    pub screen: Rect,
    pub fitted: bool,
    /// How it was shown then, and where the cards were: as long as nobody has moved either, it is fitted again when there is
    /// more room or less.
    pub as_fitted: Option<(View, Vec<Option<Point>>)>,
    pub printer: Printer,
    pub targets: Targets,
    pub motion: Motion,
    /// What was drawn last, and what that needed.
    pub sheet: Option<super::board::Sheet>,
    pub memory: Memory,
    /// How many calls are seen moving.
    pub dots: usize,
    pub look: Look,
    pub lens: Lens,
    pub panels: Panels,
    pub popup: Popup,
    /// What is searched for in the palette.
    pub palette: String,
    pub dock: panels::dock::Dock,
    pub plots: panels::plots::Cache,
    /// The request that is looked at.
    pub trace: Option<panels::trace::Trace>,
    pub fields: panels::fields::Fields,
    pub curves: panels::inspector::Curves,
    pub files: Files,
    keeper: Keeper,
    pub clipboard: Clipboard,
    pub messages: Messages,
    /// The pointer on the board, when it was there last.
    pub pointer: Option<Pos2>,
    pub context: Hit,
    /// The board among egui's widgets.
    pub board: egui::Id,
    /// Space is held since this time, when the pointer was there, and nothing was dragged since: released, it means play or
    /// pause.
    pub space: Option<(f64, Option<Pos2>)>,
    /// A field had the keyboard at the end of the last frame.
    pub(super) typing: bool,
    pub quit: bool,
    /// The time of this frame, in seconds of the window.
    pub now: f64,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

impl App {
    /// A whiteboard with a design. `wake` makes the window draw again, from any thread.
    pub fn new(design: Design, files: Files, wake: Arc<dyn Fn() + Send + Sync>) -> App {
        let mut editor = Editor::new(design);
        let (keeper, problem) = Keeper::open(files.state());
        let settings = keeper.known().clone();
        editor.set_snaps(settings.snaps);
        let given = editor.design().clone();
        let mut app = App {
            findings: Arc::new(Findings::of(&given)),
            given,
            editor,
            runner: None,
            unstarted: None,
            snapshot: None,
            taken: (0, 0),
            view: View::default(),
            screen: Rect::NOTHING,
            fitted: false,
            as_fitted: None,
            printer: Printer::default(),
            targets: Targets::default(),
            motion: Motion::default(),
            sheet: None,
            memory: Memory::default(),
            dots: 0,
            look: settings.look,
            lens: Lens::Load,
            panels: settings.panels,
            popup: Popup::None,
            palette: String::new(),
            dock: panels::dock::Dock::default(),
            plots: panels::plots::Cache::default(),
            trace: None,
            fields: panels::fields::Fields::default(),
            curves: panels::inspector::Curves::default(),
            files,
            keeper,
            clipboard: Clipboard::default(),
            messages: Messages::default(),
            pointer: None,
            context: Hit::Empty,
            board: egui::Id::NULL,
            space: None,
            typing: false,
            quit: false,
            now: 0.0,
            wake,
        };
        app.start(true);
        if let Some(problem) = problem {
            app.complain(problem, 0.0);
        }
        if let Some(design) = app.files.left_over() {
            app.popup = Popup::question(Question::Recover(Box::new(design)));
        }
        app
    }

    fn start(&mut self, playing: bool) {
        let wake = self.wake.clone();
        let started = Runner::start(self.given.clone(), move || wake());
        self.unstarted = started.as_ref().err().and_then(|findings| {
            let of_system = findings.iter().find(|finding| finding.code == crate::run::NO_THREAD)?;
            Some(of_system.message.clone())
        });
        self.runner = started.ok();
        self.taken = (0, 0);
        self.plots.opened += 1;
        self.trace = None;
        self.snapshot = self.runner.as_ref().map(Runner::latest);
        if let Some(runner) = self.runner.as_ref().filter(|_| playing) {
            runner.play();
        }
    }

    /// Edit another design instead.
    pub fn open(&mut self, design: Design) {
        self.editor.open(design);
        self.given = self.editor.design().clone();
        if self.given.nodes.is_empty() {
            // There is nothing to fit.
            self.view = View::default();
        }
        self.fitted = false;
        self.motion = Motion::default();
        self.fields = panels::fields::Fields::default();
        self.start(true);
    }

    /// What stands over the window.
    pub fn title(&self) -> String {
        let changed = if self.editor.is_changed() { "• " } else { "" };
        format!("{changed}{} – Tailboard", self.files.name())
    }

    /// Draw everything, and act on what was done since the last time.
    pub fn ui(&mut self, ui: &mut Ui) {
        let now = ui.input(|input| input.time);
        self.now = now;
        self.follow(now);
        if let Some(refusal) = self.fields.follow(self.editor.selection()) {
            self.complain(refusal, now);
        }
        if let Some(wait) = self.files.keep(&self.editor, now) {
            // Nothing else may happen until then.
            ui.ctx().request_repaint_after_secs(wait as f32);
        }
        let answered = self.files.poll(&mut self.editor, now);
        self.files_done(answered, now);
        let dropped = ui.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            self.open_path(path, now);
        }
        if self.snapshot.as_ref().is_some_and(|snapshot| self.motion.is_moving(snapshot)) {
            ui.ctx().request_repaint();
        }
        if self.files.waits() {
            ui.ctx().request_repaint_after_secs(0.25);
        }
        self.serve_clipboard(ui, now);
        let problem = self.files.take_problem();
        if let Some(problem) = problem {
            self.complain(problem, now);
        }
        theme::apply(ui, &self.look);
        ui.ctx().set_zoom_factor(1.0 + f32::from(self.look.larger) / 10.0);
        self.keys(ui);
        panels::show(self, ui);
        self.show_messages(ui, now);
        if super::board::is_doubtful(self, ui.ctx()) {
            ui.ctx().request_repaint();
        }
        self.typing = ui.ctx().text_edit_focused();
        self.keep_settings(ui, now);
    }

    /// What was set stays set for the next time; a border that is dragged, when it is let go.
    fn keep_settings(&mut self, ui: &Ui, now: f64) {
        if ui.input(|input| input.pointer.any_down()) {
            return;
        }
        let panels = Panels { bare: false, ..self.panels };
        let present = Settings { look: self.look, panels, snaps: self.editor.snaps() };
        if let Err(problem) = self.keeper.keep(&present) {
            self.complain(problem, now);
        }
    }

    /// Keep design and run in step.
    fn follow(&mut self, now: f64) {
        if let Some(runner) = &self.runner {
            let snapshot = runner.latest();
            if self.taken.0 != snapshot.number {
                self.taken = (snapshot.number, 0);
            }
            for intervention in &snapshot.interventions[self.taken.1.min(snapshot.interventions.len())..] {
                // The run has it already; on the timeline it is saved, and can be undone.
                if self.editor.edit(&Edit::AddIntervention(intervention.clone())).is_err() {
                    break;
                }
            }
            self.taken.1 = snapshot.interventions.len();
            self.motion.follow(&snapshot, now);
            self.snapshot = Some(snapshot);
        }
        let design = self.editor.design();
        if !Arc::ptr_eq(design, &self.given) {
            self.given = design.clone();
            match &self.runner {
                Some(runner) => runner.replace(design.clone()),
                None => self.start(true),
            }
        }
        let design = self.editor.design();
        if !Arc::ptr_eq(design, &self.findings.of) {
            self.findings = Arc::new(Findings::of(design));
        }
    }

    /// What the editor wants of the clipboard.
    fn serve_clipboard(&mut self, ui: &Ui, now: f64) {
        if let Some(text) = self.files.copy.take() {
            ui.ctx().copy_text(text);
        }
        if let Some(keep_outer) = self.files.wants_paste.take() {
            let read =
                self.clipboard.get().and_then(|clipboard| clipboard.get_text().map_err(|error| error.to_string()));
            match read {
                Ok(text) => self.paste(&text, keep_outer, now),
                Err(problem) => self.complain(format!("The clipboard cannot be read: {problem}"), now),
            }
        }
    }

    fn paste(&mut self, text: &str, keep_outer: bool, now: f64) {
        let at = self.pointer.map(|pointer| self.view.to_board(pointer));
        if let Err(problem) = self.editor.paste(text, at, keep_outer) {
            self.complain(problem, now);
        }
    }

    /// Do what the action with this id does.
    pub fn act(&mut self, id: &str, now: f64) {
        if let Some(action) = actions::by_id(id) {
            self.perform(action, now);
        }
    }

    pub fn perform(&mut self, action: &actions::Action, now: f64) {
        let effects = self.editor.perform(action);
        self.carry_out(effects, now);
    }

    /// Do what the editor leaves to the window.
    pub fn carry_out(&mut self, effects: Vec<Effect>, now: f64) {
        for effect in effects {
            // A question stays until it is answered.
            if matches!(self.popup, Popup::Question(_)) {
                return;
            }
            match effect {
                Effect::OpenQuickInsert { at, wired } => {
                    let middle = self.pointer.unwrap_or(self.screen.center());
                    let at = at.unwrap_or_else(|| self.editor.room_at(self.view.to_board(middle)));
                    self.popup = Popup::insert(at, wired);
                }
                Effect::EditLabel(node) => self.popup = Popup::label(&self.editor, node),
                Effect::ToggleInspector => self.panels.inspector = !self.panels.inspector,
                Effect::CopyText(text) => self.files.copy = Some(text),
                Effect::ReadClipboard { keep_outer } => self.files.wants_paste = Some(keep_outer),
                Effect::LayOut(names) => self.lay_out(&names, now),
                Effect::Reveal(name) => {
                    if let Some(card) = self.targets.card(&name) {
                        self.view.reveal(super::board::area(card), self.screen);
                    }
                }
                Effect::Say(text) => self.say(text, now),
                Effect::Refuse(text) => self.complain(text, now),
                Effect::Strike(_) | Effect::ToggleKill(_) if self.runner.is_none() => {
                    self.complain("The design does not run", now);
                }
                Effect::Strike(action) => self.strike(action),
                Effect::ToggleKill(names) => self.toggle_kill(&names),
                Effect::Window(action) => self.window(action, now),
            }
        }
    }

    fn lay_out(&mut self, names: &[String], now: f64) {
        let design = self.editor.design();
        let moves = crate::figure::laid_out(design, names);
        if let Err(problem) = self.editor.edit(&Edit::Move(moves)) {
            self.complain(problem, now);
        }
        self.fitted = false;
    }

    fn window(&mut self, action: WindowAction, now: f64) {
        use WindowAction as W;
        match action {
            W::New | W::Open | W::Save | W::SaveAs | W::Quit => self.file(action, now),
            W::ExportDialog => self.popup = Popup::export(super::export::as_seen(self)),
            W::ExportNow => {
                let result = super::export::beside(self);
                self.report(result, now);
            }
            W::CopyPicture => {
                let result = super::export::copy(self);
                self.report(result, now);
            }
            W::ZoomIn => self.view.zoom_at(self.screen.center(), super::view::STEP * super::view::STEP),
            W::ZoomOut => self.view.zoom_at(self.screen.center(), 1.0 / (super::view::STEP * super::view::STEP)),
            W::ZoomActual => self.view.zoom_at(self.screen.center(), 1.0 / self.view.zoom),
            W::FitAll => self.fitted = false,
            W::FitSelection => super::board::fit_selection(self),
            W::ToggleGrid => self.panels.grid = !self.panels.grid,
            W::TogglePalette => self.panels.palette = !self.panels.palette,
            W::TogglePlots => self.panels.plots = !self.panels.plots,
            W::ToggleBare => self.panels.bare = !self.panels.bare,
            W::NextTheme => self.look.next(),
            W::LargerInterface => self.look.larger = (self.look.larger + 1).min(10),
            W::SmallerInterface => self.look.larger = (self.look.larger - 1).max(-4),
            W::ToggleMotion => self.look.still = !self.look.still,
            W::FaultDialog => self.popup = Popup::Fault(panels::fault::Fault::default()),
            W::CommandPalette => self.popup = Popup::commands(),
            W::ShortcutSheet => self.popup = Popup::shortcuts(),
            W::PlayPause => {
                if let Some(problem) = self.stuck().map(str::to_owned) {
                    return self.complain(problem, now);
                }
                let playing = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing && !snapshot.over);
                let over = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.over);
                if let Some(runner) = &self.runner {
                    match (playing, over) {
                        (true, _) => runner.pause(),
                        (false, true) => {
                            runner.restart(None);
                            runner.play();
                        }
                        (false, false) => runner.play(),
                    }
                }
            }
            W::StepEvent => self.with_runner(Runner::step),
            W::Restart => self.with_runner(|runner| {
                runner.restart(None);
                runner.play();
            }),
            W::RestartNewSeed => {
                let seed = self.snapshot.as_ref().map_or(1, |snapshot| snapshot.seed.wrapping_add(1));
                if let Err(problem) = self.editor.edit(&Edit::SetSeed(seed)) {
                    self.complain(problem, now);
                }
                self.with_runner(|runner| runner.restart(Some(seed)));
            }
            W::Reset => self.with_runner(|runner| {
                runner.pause();
                runner.restart(None);
            }),
            W::Faster => self.change_speed(2.0),
            W::Slower => self.change_speed(0.5),
            W::Lens(n) => {
                self.lens =
                    [Lens::Load, Lens::Latency, Lens::Errors, Lens::Queue, Lens::None][usize::from(n - 1).min(4)];
            }
        }
    }

    fn with_runner(&self, f: impl FnOnce(&Runner)) {
        if let Some(runner) = &self.runner {
            f(runner);
        }
    }

    fn change_speed(&mut self, factor: f64) {
        let wanted = match self.snapshot.as_ref().map(|snapshot| snapshot.speed) {
            Some(Speed::Fastest) if factor < 1.0 => FASTEST,
            Some(Speed::Fastest) => return,
            Some(Speed::Times(times)) => times * factor,
            None => factor,
        };
        let speed = if wanted > FASTEST { Speed::Fastest } else { Speed::Times(wanted.max(SLOWEST)) };
        self.with_runner(|runner| runner.set_speed(speed));
    }

    /// Open a file, or ask first what is to become of what would be lost.
    pub fn open_path(&mut self, path: PathBuf, now: f64) {
        let done = self.files.open_path(path, &mut self.editor);
        self.files_done(done, now);
    }

    fn file(&mut self, action: WindowAction, now: f64) {
        let done = self.files.act(action, &mut self.editor);
        self.files_done(done, now);
    }

    /// Act on what has come of a file.
    pub fn files_done(&mut self, done: Result<Done, String>, now: f64) {
        match done {
            Ok(Done::Opened(design)) => self.open(*design),
            Ok(Done::Recovered(design)) => {
                self.open(*design);
                self.editor.mark_saved(&Arc::default());
            }
            Ok(Done::Nothing) => {}
            Ok(Done::AskPath(purpose)) => self.popup = Popup::path(purpose),
            Ok(Done::Ask(question)) => self.popup = Popup::question(question),
            Ok(Done::Quit) => self.quit = true,
            Ok(Done::Said(text)) => self.say(text, now),
            Err(problem) => self.complain(problem, now),
        }
    }

    /// The program is ended from outside.
    pub fn leave(&mut self) {
        self.files.leave(&self.editor);
    }

    /// The window is to be closed: at once, if nothing would be lost.
    pub fn close(&mut self, now: f64) {
        self.file(WindowAction::Quit, now);
    }

    /// A new node in the middle of what is seen, or where there is room beside it.
    pub fn insert_in_view(&mut self, kind: &str, now: f64) {
        let (x, y) = self.editor.room_at(self.view.to_board(self.screen.center()));
        self.insert(kind, (x, y), None, now);
        let (right, down) = (CARD.0 / 2.0, CARD.1 / 2.0);
        self.view.reveal(Area { min: (x - right, y - down), max: (x + right, y + down) }, self.screen);
    }

    /// Insert a kind at a place of the board.
    pub fn insert(&mut self, kind: &str, at: Point, wired: Option<&Wired>, now: f64) {
        if let Err(problem) = self.editor.insert(kind, at, wired) {
            self.complain(problem, now);
        }
    }
}
