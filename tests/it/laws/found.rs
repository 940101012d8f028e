//! What the laws have brought out, each as the smallest scenario that showed it.
