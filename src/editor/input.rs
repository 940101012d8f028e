//! What the window tells the editor: where the pointer is and on what, with positions in pixels of the board at 100 %.

/// A position on the board, in pixels at 100 %: to the right, and down.
pub type Point = (f32, f32);

/// Size of a card, whose place in the design is its upper left corner.
pub const CARD: (f32, f32) = (168.0, 72.0);

/// The pointer, or a whole gesture such as a double-click.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The main button goes down.
    Press { at: Point, hit: Hit, held: Modifiers },
    /// The pointer is moved, with or without a button, or a modifier goes down or up while it rests.
    Move { at: Point, hit: Hit, held: Modifiers },
    /// The main button goes up.
    Release { at: Point, hit: Hit, held: Modifiers },
    /// In place of the second press of a double-click.
    DoubleClick { at: Point, hit: Hit },
    /// The other button, without having moved: before a context menu opens, so that it is about what was clicked.
    Context { hit: Hit },
    /// A kind is dragged from the palette. The button is down; `Move`s and a `Release` follow.
    Take { kind: &'static str, at: Point },
}

/// What lies under the pointer. While a gesture goes on, what [`Editor::dragged`](super::Editor::dragged) names is left
/// out. Links are numbered as in [`Editor::design`](super::Editor::design).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Hit {
    #[default]
    Empty,
    Node(String),
    /// The name on a card.
    Label(String),
    /// A place on the rim of a card from which links are drawn.
    Handle(String, Side),
    Link(usize),
    LinkEnd(usize, End),
}

impl Hit {
    /// The node that is hit, wherever on it.
    pub fn node(&self) -> Option<&str> {
        match self {
            Hit::Node(name) | Hit::Label(name) | Hit::Handle(name, _) => Some(name),
            Hit::Empty | Hit::Link(_) | Hit::LinkEnd(..) => None,
        }
    }

    /// The link that is hit, wherever on it.
    pub fn link(&self) -> Option<usize> {
        match self {
            Hit::Link(i) | Hit::LinkEnd(i, _) => Some(*i),
            Hit::Empty | Hit::Node(_) | Hit::Label(_) | Hit::Handle(..) => None,
        }
    }
}

/// The side of a card: calls come in on the left and go out on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A link drawn from here leads into the card.
    In,
    /// A link drawn from here leads out of the card.
    Out,
}

/// An end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    From,
    To,
}

/// Keys held while the pointer is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Modifiers {
    pub ctrl: bool,
    pub shift: bool,
    pub alt: bool,
}

/// What the main button does on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tool {
    /// Selects, moves, and draws links from handles.
    #[default]
    Select,
    /// Draws links from and to whole cards.
    Link,
    /// Moves the board, which the window does: the editor ignores the pointer.
    Hand,
}
