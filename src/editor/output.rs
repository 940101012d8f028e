//! What the editor tells the window: what to do (effects), and what to show besides the design (overlay, cursor, hint).

use super::input::{Point, Side};
use crate::design::Action;

/// Something that only the window can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A list of kinds at this place; the choice goes to [`Editor::insert`](super::Editor::insert) with the same
    /// `wired`.
    OpenQuickInsert { at: Option<Point>, wired: Option<Wired> },
    /// A field over the name of this node; its text goes to [`Editor::commit_label`](super::Editor::commit_label).
    EditLabel(String),
    /// Show or hide the inspector.
    ToggleInspector,
    /// Put this on the clipboard.
    CopyText(String),
    /// Read the clipboard, and give it to [`Editor::paste`](super::Editor::paste) with the same `keep_outer`.
    ReadClipboard { keep_outer: bool },
    /// Find places for these nodes (all, if none are named), and give them to the editor as `Edit::Move`.
    LayOut(Vec<String>),
    /// Move the view as little as possible so that this node can be seen.
    Reveal(String),
    /// Tell the person what was done: one sentence.
    Say(String),
    /// Tell the person why something was not done: one sentence.
    Refuse(String),
    /// Do this to the running design now; with its time it also goes into the design, as `Edit::AddIntervention`.
    Strike(Action),
    /// Kill what runs and revive what is dead, each of these nodes and links by itself.
    ToggleKill(Vec<String>),
    /// What concerns the window alone.
    Window(WindowAction),
}

/// Actions that the window carries out by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowAction {
    New,
    Open,
    Save,
    SaveAs,
    ExportDialog,
    /// A picture beside the scenario, at once.
    ExportNow,
    CopyPicture,
    Quit,
    ZoomIn,
    ZoomOut,
    ZoomActual,
    FitAll,
    FitSelection,
    ToggleGrid,
    TogglePalette,
    TogglePlots,
    /// Hide everything but the board.
    ToggleBare,
    NextTheme,
    LargerInterface,
    SmallerInterface,
    /// No moving dots: numbers only.
    ToggleMotion,
    /// What is to be broken, how much and for how long.
    FaultDialog,
    CommandPalette,
    ShortcutSheet,
    PlayPause,
    StepEvent,
    /// From the beginning, with the same seed.
    Restart,
    /// From the beginning, with another seed.
    RestartNewSeed,
    /// Back to the beginning, and stay there.
    Reset,
    Faster,
    Slower,
    /// What the cards show: 1 load, 2 latency, 3 errors, 4 queue, 5 nothing.
    Lens(u8),
}

/// The node to which a new node is to be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wired {
    pub node: String,
    /// The side of `node` at which the link begins: `Out` leads from it to the new node.
    pub side: Side,
}

/// An upright rectangle, given by two opposite corners: `min` is the upper left one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub min: Point,
    pub max: Point,
}

impl Area {
    pub fn spanned(a: Point, b: Point) -> Area {
        Area { min: (a.0.min(b.0), a.1.min(b.1)), max: (a.0.max(b.0), a.1.max(b.1)) }
    }

    /// Whether all of `other` lies inside.
    pub fn encloses(&self, other: &Area) -> bool {
        self.min.0 <= other.min.0 && self.min.1 <= other.min.1 && self.max.0 >= other.max.0 && self.max.1 >= other.max.1
    }

    /// Whether some of `other` lies inside.
    pub fn touches(&self, other: &Area) -> bool {
        self.min.0 <= other.max.0 && self.min.1 <= other.max.1 && self.max.0 >= other.min.0 && self.max.1 >= other.min.1
    }
}

/// What is shown over the board while a gesture goes on.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Overlay {
    pub marquee: Option<Marquee>,
    pub wire: Option<Wire>,
    /// Lines along which what is dragged has been aligned.
    pub guides: Vec<Guide>,
    /// What would take what is dropped now.
    pub target: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marquee {
    pub area: Area,
    /// Takes what it touches, instead of what lies inside: drawn from right to left, and shown dashed.
    pub touching: bool,
}

/// A link that is being drawn or moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// The node at the end that stays.
    pub node: String,
    /// The side of `node` where it is attached.
    pub side: Side,
    /// Where the other end is.
    pub loose: Point,
    /// The link whose end is moved, which is not drawn meanwhile.
    pub instead_of: Option<usize>,
    /// Why it cannot end here, in a sentence.
    pub refusal: Option<String>,
}

/// A line of alignment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guide {
    /// Upright, at `x`, between two heights.
    Upright { x: f32, from: f32, until: f32 },
    /// Level, at `y`, between two places.
    Level { y: f32, from: f32, until: f32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The link that is drawn would end here.
    Node(String),
    /// What is dropped would be put into this link.
    Link(usize),
}

/// How the pointer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    Arrow,
    /// Over something that can be moved.
    Grab,
    Grabbing,
    /// While a copy is dragged.
    Copy,
    Crosshair,
    NotAllowed,
}
