//! Everything that can be done by menu or key, once. Menu bar, context menu, command palette and shortcut sheet are loops
//! over this list.

use super::arrange::Edge;
use super::output::{Effect, WindowAction as W};
use super::shortcut::{Key, Shortcut};
use super::travel::Way;
use super::{Editor, Tool, perform as p};
use crate::design::Action as Strike;

pub use super::perform::Fault;

/// One thing that can be done.
#[derive(Clone, Copy)]
pub struct Action {
    /// A stable name, `menu.verb`.
    pub id: &'static str,
    pub label: &'static str,
    pub menu: Menu,
    /// The first is the one to show beside the label.
    pub shortcuts: &'static [Shortcut],
    /// Whether it stands in the menu bar; the palette and the sheet have all of them.
    pub in_menu: bool,
    /// The context menus in which it stands.
    pub on: &'static [On],
    pub enabled: fn(&Editor) -> bool,
    /// What it would be done to now, to stand after the label: what is undone, say.
    pub about: Option<fn(&Editor) -> Option<&str>>,
    /// For a switch: whether it is on.
    pub is_on: Option<fn(&Editor) -> bool>,
    /// [`Editor::perform`] asks `enabled` first.
    pub perform: fn(&mut Editor) -> Vec<Effect>,
    /// What it does to one target, if it breaks or mends something; see [`faults`].
    pub fault: Option<Fault>,
}

/// Where an action stands in menu bar and shortcut sheet, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Menu {
    File,
    Edit,
    Select,
    Insert,
    Arrange,
    View,
    Run,
    Break,
    Help,
}

impl Menu {
    pub const ALL: &'static [Menu] = &[
        Menu::File,
        Menu::Edit,
        Menu::Select,
        Menu::Insert,
        Menu::Arrange,
        Menu::View,
        Menu::Run,
        Menu::Break,
        Menu::Help,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Menu::File => "File",
            Menu::Edit => "Edit",
            Menu::Select => "Select",
            Menu::Insert => "Insert",
            Menu::Arrange => "Arrange",
            Menu::View => "View",
            Menu::Run => "Run",
            Menu::Break => "Break",
            Menu::Help => "Help",
        }
    }
}

/// What was clicked to open a context menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Board,
    Node,
    Link,
}

impl Action {
    const fn new(id: &'static str, label: &'static str, menu: Menu, keys: &'static [Shortcut], perform: Do) -> Action {
        let enabled: fn(&Editor) -> bool = |_| true;
        let (about, is_on, fault) = (None, None, None);
        Action { id, label, menu, shortcuts: keys, in_menu: true, on: &[], enabled, about, is_on, perform, fault }
    }

    const fn when(self, enabled: fn(&Editor) -> bool) -> Action {
        Action { enabled, ..self }
    }

    const fn about(self, about: fn(&Editor) -> Option<&str>) -> Action {
        Action { about: Some(about), ..self }
    }

    const fn switch(self, is_on: fn(&Editor) -> bool) -> Action {
        Action { is_on: Some(is_on), ..self }
    }

    const fn on(self, on: &'static [On]) -> Action {
        Action { on, ..self }
    }

    const fn does(self, fault: Fault) -> Action {
        Action { fault: Some(fault), ..self }
    }

    /// By key and palette only.
    const fn by_key(self) -> Action {
        Action { in_menu: false, ..self }
    }

    /// The label, with what it is about now: "Undo move".
    pub fn title(&self, editor: &Editor) -> String {
        match self.about.and_then(|about| about(editor)) {
            Some(what) => format!("{} {what}", self.label),
            None => self.label.to_owned(),
        }
    }
}

type Do = fn(&mut Editor) -> Vec<Effect>;

const fn letter(c: char) -> Shortcut {
    Shortcut::of(Key::Letter(c))
}

const fn ctrl(c: char) -> Shortcut {
    letter(c).ctrl()
}

const fn sign(c: char) -> Shortcut {
    Shortcut::of(Key::Sign(c))
}

const fn function(n: u8) -> Shortcut {
    Shortcut::of(Key::Function(n))
}

const fn digit(n: u8) -> Shortcut {
    Shortcut::of(Key::Digit(n))
}

const fn key(key: Key) -> Shortcut {
    Shortcut::of(key)
}

/// The action with this id.
pub fn by_id(id: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.id == id)
}

/// The action that these keys call. Not while a text field has the keyboard: that is for the window to know.
pub fn by_shortcut(pressed: Shortcut) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.shortcuts.iter().any(|shortcut| shortcut.plain() == pressed.plain()))
}

/// What can be done to a node, one of its replicas (`db#1`), or a link, as the list says it: for a menu over that alone.
pub fn faults(editor: &Editor, target: &str) -> Vec<(&'static Action, Strike)> {
    ACTIONS.iter().filter_map(|action| Some((action, action.fault?(editor, target.to_owned())?))).collect()
}

/// How many replicas or shards a node has by the design; one if it cannot have several.
pub fn replicas(editor: &Editor, node: &str) -> u16 {
    let copies = editor.design().nodes.get(node).and_then(|node| node.kind.copies());
    copies.map_or(1, |(n, _)| u16::try_from(n).unwrap_or(u16::MAX))
}

use Action as A;
use Menu::{Arrange, Break, Edit, File, Help, Insert, Run, Select, View};

/// All of them, in the order of the menus. Every shortcut that is a sign has another one beside it, because not every
/// keyboard has that sign.
pub const ACTIONS: &[Action] = &[
    A::new("file.new", "New", File, &[ctrl('N')], |_| p::window(W::New)),
    A::new("file.open", "Open…", File, &[ctrl('O')], |_| p::window(W::Open)),
    A::new("file.save", "Save", File, &[ctrl('S')], |_| p::window(W::Save)),
    A::new("file.save_as", "Save as…", File, &[ctrl('S').shift()], |_| p::window(W::SaveAs)),
    A::new("file.export", "Export…", File, &[ctrl('E').shift()], |_| p::window(W::ExportDialog)),
    A::new("file.picture", "Picture beside the file", File, &[function(12)], |_| p::window(W::ExportNow)),
    A::new("file.copy_picture", "Copy picture", File, &[letter('C').shift().alt()], |_| p::window(W::CopyPicture)),
    A::new("file.quit", "Quit", File, &[ctrl('Q')], |_| p::window(W::Quit)),
    A::new("edit.undo", "Undo", Edit, &[ctrl('Z')], p::undo)
        .when(|e| e.history().undoable().is_some())
        .about(|e| e.history().undoable()),
    A::new("edit.redo", "Redo", Edit, &[ctrl('Z').shift(), ctrl('Y')], p::redo)
        .when(|e| e.history().redoable().is_some())
        .about(|e| e.history().redoable()),
    A::new("edit.cut", "Cut", Edit, &[ctrl('X')], p::cut).when(p::has_nodes).on(&[On::Node]),
    A::new("edit.copy", "Copy", Edit, &[ctrl('C')], p::copy).when(p::has_nodes).on(&[On::Node]),
    A::new("edit.paste", "Paste", Edit, &[ctrl('V')], |_| vec![Effect::ReadClipboard { keep_outer: false }])
        .on(&[On::Board]),
    A::new("edit.paste_linked", "Paste with links to the rest", Edit, &[ctrl('V').shift()], |_| {
        vec![Effect::ReadClipboard { keep_outer: true }]
    }),
    A::new("edit.duplicate", "Duplicate", Edit, &[ctrl('D')], p::duplicate).when(p::has_nodes).on(&[On::Node]),
    A::new("edit.delete", "Delete", Edit, &[key(Key::Delete), key(Key::Backspace)], |e| p::delete(e, false))
        .when(p::has_any)
        .on(&[On::Node, On::Link]),
    A::new("edit.delete_heal", "Delete and join neighbours", Edit, &[key(Key::Delete).ctrl()], |e| p::delete(e, true))
        .when(p::can_heal)
        .on(&[On::Node]),
    A::new("edit.rename", "Rename", Edit, &[function(2), key(Key::Enter)], p::rename).when(p::one_node).on(&[On::Node]),
    A::new("edit.inspect", "Inspector", Edit, &[letter('I')], |_| vec![Effect::ToggleInspector])
        .on(&[On::Node, On::Link]),
    A::new("select.all", "All", Select, &[ctrl('A')], p::select_all).on(&[On::Board]),
    A::new("select.none", "Nothing; or cancel what goes on", Select, &[key(Key::Escape)], p::escape),
    A::new("select.links", "Links of the selected nodes, or all links", Select, &[], p::select_links).on(&[On::Node]),
    A::new("select.invert", "The rest", Select, &[ctrl('A').shift()], p::invert),
    A::new("select.up", "Upstream", Select, &[letter('U').shift(), sign('{')], |e| p::select_along(e, Way::Up))
        .when(p::has_any)
        .on(&[On::Node]),
    A::new("select.down", "Downstream", Select, &[letter('D').shift(), sign('}')], |e| p::select_along(e, Way::Down))
        .when(p::has_any)
        .on(&[On::Node]),
    A::new("select.next", "Next node", Select, &[key(Key::Tab)], |e| p::travel(e, false)).when(p::has_nodes),
    A::new("select.previous", "Previous node", Select, &[key(Key::Tab).shift()], |e| p::travel(e, true))
        .when(p::has_nodes),
    A::new("select.left", "Along a link to the left", Select, &[key(Key::Left).alt()], |e| p::along(e, (-1.0, 0.0)))
        .when(p::has_nodes)
        .by_key(),
    A::new("select.right", "Along a link to the right", Select, &[key(Key::Right).alt()], |e| p::along(e, (1.0, 0.0)))
        .when(p::has_nodes)
        .by_key(),
    A::new("select.above", "Along a link upwards", Select, &[key(Key::Up).alt()], |e| p::along(e, (0.0, -1.0)))
        .when(p::has_nodes)
        .by_key(),
    A::new("select.below", "Along a link downwards", Select, &[key(Key::Down).alt()], |e| p::along(e, (0.0, 1.0)))
        .when(p::has_nodes)
        .by_key(),
    A::new("insert.node", "Node…", Insert, &[key(Key::Space).ctrl(), sign('/')], |_| {
        vec![Effect::OpenQuickInsert { at: None, wired: None }]
    })
    .on(&[On::Board]),
    A::new("insert.link", "Link through the selected nodes, in their order", Insert, &[letter('F')], p::link_selected)
        .when(|e| e.selection().nodes.len() > 1)
        .on(&[On::Node]),
    A::new("insert.right", "Another of its kind, called by it", Insert, &[key(Key::Right).ctrl()], |e| {
        p::clone_linked(e, super::Side::Out)
    })
    .when(p::one_node),
    A::new("insert.left", "Another of its kind, calling it", Insert, &[key(Key::Left).ctrl()], |e| {
        p::clone_linked(e, super::Side::In)
    })
    .when(p::one_node),
    A::new("insert.below", "Twin below, with the same links", Insert, &[key(Key::Down).ctrl()], |e| p::twin(e, 1.0))
        .when(p::one_node)
        .on(&[On::Node]),
    A::new("insert.above", "Twin above, with the same links", Insert, &[key(Key::Up).ctrl()], |e| p::twin(e, -1.0))
        .when(p::one_node),
    A::new("arrange.align_left", "Align left", Arrange, &[key(Key::Left).ctrl().shift()], |e| p::align(e, Edge::Left))
        .when(p::has_two),
    A::new("arrange.align_right", "Align right", Arrange, &[key(Key::Right).ctrl().shift()], |e| {
        p::align(e, Edge::Right)
    })
    .when(p::has_two),
    A::new("arrange.align_top", "Align top", Arrange, &[key(Key::Up).ctrl().shift()], |e| p::align(e, Edge::Top))
        .when(p::has_two),
    A::new("arrange.align_bottom", "Align bottom", Arrange, &[key(Key::Down).ctrl().shift()], |e| {
        p::align(e, Edge::Bottom)
    })
    .when(p::has_two),
    A::new("arrange.across", "Distribute across", Arrange, &[letter('H').alt().shift()], |e| p::distribute(e, false))
        .when(p::has_three),
    A::new("arrange.down", "Distribute downwards", Arrange, &[letter('V').alt().shift()], |e| p::distribute(e, true))
        .when(p::has_three),
    A::new("arrange.lay_out", "Lay out by itself", Arrange, &[letter('T').ctrl().alt()], |e| {
        vec![Effect::LayOut(e.selection().nodes.clone())]
    })
    .when(|e| !e.design().nodes.is_empty())
    .on(&[On::Board]),
    nudge("arrange.left", "Move left", &[key(Key::Left)], |e| p::nudge(e, (-p::STEP, 0.0))),
    nudge("arrange.right", "Move right", &[key(Key::Right)], |e| p::nudge(e, (p::STEP, 0.0))),
    nudge("arrange.up", "Move up", &[key(Key::Up)], |e| p::nudge(e, (0.0, -p::STEP))),
    nudge("arrange.below", "Move down", &[key(Key::Down)], |e| p::nudge(e, (0.0, p::STEP))),
    nudge("arrange.far_left", "Move left by five", &[key(Key::Left).shift()], |e| p::nudge(e, (-p::LEAP, 0.0))),
    nudge("arrange.far_right", "Move right by five", &[key(Key::Right).shift()], |e| p::nudge(e, (p::LEAP, 0.0))),
    nudge("arrange.far_up", "Move up by five", &[key(Key::Up).shift()], |e| p::nudge(e, (0.0, -p::LEAP))),
    nudge("arrange.far_down", "Move down by five", &[key(Key::Down).shift()], |e| p::nudge(e, (0.0, p::LEAP))),
    nudge("arrange.bit_left", "Move left by a pixel", &[key(Key::Left).ctrl().alt()], |e| p::nudge(e, (-1.0, 0.0))),
    nudge("arrange.bit_right", "Move right by a pixel", &[key(Key::Right).ctrl().alt()], |e| p::nudge(e, (1.0, 0.0))),
    nudge("arrange.bit_up", "Move up by a pixel", &[key(Key::Up).ctrl().alt()], |e| p::nudge(e, (0.0, -1.0))),
    nudge("arrange.bit_down", "Move down by a pixel", &[key(Key::Down).ctrl().alt()], |e| p::nudge(e, (0.0, 1.0))),
    A::new("view.select_tool", "Select and move", View, &[letter('V')], |e| p::tool(e, Tool::Select))
        .switch(|e| e.tool() == Tool::Select),
    A::new("view.link_tool", "Draw links", View, &[letter('X')], |e| p::tool(e, Tool::Link))
        .switch(|e| e.tool() == Tool::Link),
    A::new("view.hand_tool", "Move the board", View, &[letter('H')], |e| p::tool(e, Tool::Hand))
        .switch(|e| e.tool() == Tool::Hand),
    A::new("view.zoom_in", "Zoom in", View, &[function(8), sign('+'), sign('+').ctrl(), sign('=').ctrl()], |_| {
        p::window(W::ZoomIn)
    }),
    A::new("view.zoom_out", "Zoom out", View, &[function(7), sign('-'), sign('-').ctrl()], |_| p::window(W::ZoomOut)),
    A::new("view.actual", "Actual size", View, &[digit(0).ctrl(), digit(0).shift()], |_| p::window(W::ZoomActual)),
    A::new("view.fit", "Show all", View, &[key(Key::Home), digit(1).shift()], |_| p::window(W::FitAll))
        .on(&[On::Board]),
    A::new("view.fit_selection", "Show the selection", View, &[digit(2).shift()], |_| p::window(W::FitSelection))
        .when(p::has_any),
    A::new("view.grid", "Grid", View, &[letter('G').shift(), sign('\'').ctrl()], |_| p::window(W::ToggleGrid)),
    A::new("view.snap", "Snap to grid and guides", View, &[letter('S').alt()], p::toggle_snap).switch(Editor::snaps),
    A::new("view.palette", "Palette", View, &[letter('K').shift()], |_| p::window(W::TogglePalette)),
    A::new("view.plots", "Plots", View, &[letter('P').shift()], |_| p::window(W::TogglePlots)),
    A::new("view.bare", "Only the board", View, &[function(9), sign('.').ctrl()], |_| p::window(W::ToggleBare)),
    A::new("view.theme", "Next theme", View, &[letter('D').alt().shift()], |_| p::window(W::NextTheme)),
    A::new("view.larger", "Larger interface", View, &[function(8).ctrl(), sign('+').ctrl().alt()], |_| {
        p::window(W::LargerInterface)
    }),
    A::new("view.smaller", "Smaller interface", View, &[function(7).ctrl(), sign('-').ctrl().alt()], |_| {
        p::window(W::SmallerInterface)
    }),
    A::new("view.motion", "Moving dots", View, &[], |_| p::window(W::ToggleMotion)),
    A::new("view.load", "Show load", View, &[digit(1)], |_| p::window(W::Lens(1))),
    A::new("view.latency", "Show latency", View, &[digit(2)], |_| p::window(W::Lens(2))),
    A::new("view.errors", "Show errors", View, &[digit(3)], |_| p::window(W::Lens(3))),
    A::new("view.queues", "Show queues", View, &[digit(4)], |_| p::window(W::Lens(4))),
    A::new("view.clean", "Show only the drawing", View, &[digit(5)], |_| p::window(W::Lens(5))),
    A::new("run.play", "Play or pause", Run, &[key(Key::Space)], |_| p::window(W::PlayPause)),
    A::new("run.step", "One event", Run, &[function(10), sign('.')], |_| p::window(W::StepEvent)),
    A::new("run.restart", "Again, with the same seed", Run, &[key(Key::Enter).ctrl()], |_| p::window(W::Restart)),
    A::new("run.new_seed", "Again, with a new seed", Run, &[key(Key::Enter).ctrl().shift()], |_| {
        p::window(W::RestartNewSeed)
    }),
    A::new("run.reset", "Back to the beginning", Run, &[key(Key::Backspace).ctrl()], |_| p::window(W::Reset)),
    A::new("run.faster", "Twice as fast", Run, &[letter('L')], |_| p::window(W::Faster)),
    A::new("run.slower", "Half as fast", Run, &[letter('J')], |_| p::window(W::Slower)),
    A::new("break.kill", "Kill, or revive", Break, &[letter('M')], p::toggle_kill)
        .when(p::can_kill)
        .on(&[On::Node, On::Link])
        .does(p::kill),
    fault("break.restart", "Restart", |e| p::strike(e, p::restart), |e| p::can_strike(e, p::restart)).does(p::restart),
    fault("break.slow", "Slow down to a quarter", |e| p::strike(e, p::slow), |e| p::can_strike(e, p::slow))
        .does(p::slow),
    fault("break.fail", "Fail half of the calls", |e| p::strike(e, p::fail), |e| p::can_strike(e, p::fail))
        .does(p::fail),
    fault("break.freeze", "Freeze", |e| p::strike(e, p::freeze), |e| p::can_strike(e, p::freeze)).does(p::freeze),
    fault("break.flush", "Flush", |e| p::strike(e, p::flush), |e| p::can_strike(e, p::flush)).does(p::flush),
    fault("break.pause", "Stop taking messages", |e| p::strike(e, p::pause), |e| p::can_strike(e, p::pause))
        .does(p::pause),
    fault("break.spike", "Three times the traffic", |e| p::strike(e, p::spike), |e| p::can_strike(e, p::spike))
        .does(p::spike),
    fault("break.lose", "Lose a tenth of the messages", |e| p::strike(e, p::lose), |e| p::can_strike(e, p::lose))
        .does(p::lose),
    fault("break.delay", "Delay by 100 ms each way", |e| p::strike(e, p::delay), |e| p::can_strike(e, p::delay))
        .does(p::delay),
    fault("break.hold", "Hold messages back", |e| p::strike(e, p::hold), |e| p::can_strike(e, p::hold)).does(p::hold),
    fault("break.part", "Part its two ends", |e| p::strike(e, p::part), |e| p::can_strike(e, p::part)).does(p::part),
    A::new("break.cut_off", "Cut off from the rest", Break, &[], p::cut_off).when(p::can_cut_off).on(&[On::Node]),
    fault("break.heal", "End all faults", |e| p::strike(e, p::heal), |e| p::can_strike(e, p::heal)).does(p::heal),
    A::new("break.choose", "With a number and a time…", Break, &[letter('B')], |_| p::window(W::FaultDialog))
        .when(p::can_break)
        .on(&[On::Node, On::Link]),
    A::new("help.commands", "All commands…", Help, &[ctrl('K'), ctrl('P').shift()], |_| p::window(W::CommandPalette)),
    A::new("help.shortcuts", "Shortcuts…", Help, &[function(1), sign('?')], |_| p::window(W::ShortcutSheet)),
];

const fn nudge(id: &'static str, label: &'static str, keys: &'static [Shortcut], perform: Do) -> Action {
    A::new(id, label, Arrange, keys, perform).when(p::has_nodes).by_key()
}

const fn fault(id: &'static str, label: &'static str, perform: Do, enabled: fn(&Editor) -> bool) -> Action {
    A::new(id, label, Break, &[], perform).when(enabled).on(&[On::Node, On::Link])
}
