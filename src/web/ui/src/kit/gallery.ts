// `npm run dev`, then /kit.html. Not part of the build.
import { mount } from 'svelte';
import '../app.css';
import '../lib/theme.svelte';
import Gallery from './Gallery.svelte';

const target = document.getElementById('app');
if (target) mount(Gallery, { target });
