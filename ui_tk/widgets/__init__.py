"""What the window is made of: drawn on Tk's canvas, worked by mouse and keyboard alike."""
