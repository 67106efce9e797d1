"""Objects as files for other programs: OBJ and GLB for pictures, URDF and MJCF for simulators."""
